#include <unistd.h>
int main(void) { return execl("/usr/bin/env", "env", "-i", "WORD=started", (char *)0); }
