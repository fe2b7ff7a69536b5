#include <stdio.h>
int NSS_NoDB_Init(const char *directory);
int main(void) {
    puts(NSS_NoDB_Init(NULL) == 0 ? "ready" : "cannot initialise NSS");
    return 0;
}
