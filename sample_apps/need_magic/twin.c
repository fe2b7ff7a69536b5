#include <stdio.h>
int magic_version(void);
int main(void) {
    printf("%d\n", magic_version() > 500);
    return 0;
}
