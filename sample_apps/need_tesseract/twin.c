#include <stdio.h>
const char *TessVersion(void);
int main(void) {
    puts(TessVersion());
    return 0;
}
