#include <stdio.h>
int main(void) {
    puts("09:00 JST");
    return 0;
}
