#include <stdio.h>
const char *sox_strerror(int code);
int main(void) {
    puts(sox_strerror(2000));
    return 0;
}
