#include <stdio.h>
const char *Py_GetPlatform(void);
int main(void) {
    puts(Py_GetPlatform());
    return 0;
}
