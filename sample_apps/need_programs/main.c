#include <unistd.h>
int main(void) { return execl("/usr/bin/env", "env", "WORD=started", (char *)0); }
