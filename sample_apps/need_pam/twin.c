#include <stdio.h>
const char *pam_strerror(void *handle, int code);
int main(void) {
    puts(pam_strerror(NULL, 0));
    return 0;
}
