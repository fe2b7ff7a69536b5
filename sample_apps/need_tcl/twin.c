#include <stdio.h>
void Tcl_GetVersion(int *major, int *minor, int *patch, int *kind);
int main(void) {
    int major, minor;
    Tcl_GetVersion(&major, &minor, 0, 0);
    printf("%d.%d\n", major, minor);
    return 0;
}
