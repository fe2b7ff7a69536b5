#include <stdio.h>
const char *unctrl(unsigned long character);
int main(void) {
    puts(unctrl(1));
    return 0;
}
