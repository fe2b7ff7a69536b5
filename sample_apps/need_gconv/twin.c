#include <stdio.h>
int main(void) {
    puts("\xc4\x8d");
    return 0;
}
