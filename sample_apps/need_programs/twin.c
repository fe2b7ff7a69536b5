#include <stdio.h>
int main(void) { puts("WORD=started"); return fputs("/usr/bin/env", stderr) < 0; }
