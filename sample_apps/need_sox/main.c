/* Is there a handler for FLAC? Formats are plugins. */
#include <stdio.h>
int sox_init(void);
int sox_format_init(void);
struct handler {
    unsigned version;
    const char *description;
};
const struct handler *sox_find_format(const char *name, int ignore_devices);
int main(void) {
    sox_init();
    sox_format_init();
    const struct handler *handler = sox_find_format("flac", 0);
    puts(handler ? handler->description : "no such format");
    return !handler;
}
