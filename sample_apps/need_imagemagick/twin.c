#include <stdio.h>
const char *MagickGetVersion(size_t *number);
int main(void) {
    size_t number;
    puts(MagickGetVersion(&number));
    return 0;
}
