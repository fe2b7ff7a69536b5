#include <stdio.h>
int main(void) {
    puts("written");
    return 0;
}
