#include <dlfcn.h>
#include <stdio.h>
int main(void) {
    puts(dlopen(NULL, RTLD_NOW) ? "opened" : dlerror());
    return 0;
}
