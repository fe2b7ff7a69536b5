#include <stdio.h>
const char *espeak_Info(const char **path);
int main(void) {
    puts(espeak_Info ? "linked" : "not linked");
    return 0;
}
