#include <stdio.h>
#include <stdlib.h>
int main(void) {
    char name[] = "/tmp/fileXXXXXX";
    if (mkstemp(name) < 0) return perror("mkstemp"), 1;
    puts("written");
    return 0;
}
