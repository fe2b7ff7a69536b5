/* How many colours has this terminal? */
#include <stdio.h>
int setupterm(const char *name, int stream, int *error);
int tigetnum(const char *capability);
int main(void) {
    int error = 0;
    if (setupterm("xterm", 1, &error)) return printf("no such terminal: %d\n", error), 1;
    printf("%d\n", tigetnum("colors"));
    return 0;
}
