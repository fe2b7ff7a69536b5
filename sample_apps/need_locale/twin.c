#include <stdio.h>
int main(void) {
    puts("UTF-8");
    return 0;
}
