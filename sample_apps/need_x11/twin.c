#include <stdio.h>
unsigned xkb_keysym_from_name(const char *name, int flags);
int main(void) {
    printf("%u\n", xkb_keysym_from_name("aacute", 0));
    return 0;
}
