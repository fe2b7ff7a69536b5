#include <stdio.h>
void *scm_c_eval_string(const char *text);
int main(void) {
    puts(scm_c_eval_string ? "linked" : "not linked");
    return 0;
}
