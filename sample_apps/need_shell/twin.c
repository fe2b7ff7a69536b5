#include <stdio.h>
int main(void) { puts("from a shell"); return 0; }
