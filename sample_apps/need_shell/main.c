#include <stdlib.h>
int main(void) { return system("echo from a shell") != 0; }
