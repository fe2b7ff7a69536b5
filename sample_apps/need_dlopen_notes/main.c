#include <dlfcn.h>
#include <stdio.h>
/* UAPI.12: the name stands only in the note, the program puts it together. */
__attribute__((used, section(".note.dlopen"), aligned(4))) static const struct {
    unsigned namesz, descsz, type;
    char name[4], desc[100];
} note = {4, 100, 0x407c0c0a, "FDO",
          "[{\"soname\":[\"libnothere.so.7\",\"libz.so.1\"],\"priority\":\"required\",\"feature\":\"compression\"}]"};
int main(void) {
    char name[16];
    snprintf(name, sizeof name, "lib%c.%s.%d", 'z', "so", 1);
    puts(dlopen(name, RTLD_NOW) ? "opened" : dlerror());
    return 0;
}
