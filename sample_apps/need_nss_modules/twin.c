#include <stdio.h>
int main(void) {
    puts("4711 /keep");
    return 0;
}
