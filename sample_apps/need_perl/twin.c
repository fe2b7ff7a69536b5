#include <stdio.h>
int perl_run(void *perl);
int main(void) {
    puts(perl_run ? "linked" : "not linked");
    return 0;
}
