#include <stdio.h>
short SQLFreeHandle(short kind, void *handle);
int main(void) {
    printf("%d\n", SQLFreeHandle(1, NULL));
    return 0;
}
