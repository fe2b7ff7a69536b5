#include <dlfcn.h>
#include <stdio.h>
int main(void) {
    void *missing = dlopen("libscratchpack_nowhere.so.9", RTLD_NOW), *found = dlopen("libz.so.1", RTLD_NOW);
    puts(missing ? "both" : found ? "opened" : dlerror());
    return !found;
}
