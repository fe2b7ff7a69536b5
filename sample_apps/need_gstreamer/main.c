/* Every element but the abstract ones comes from a plugin. */
#include <stdio.h>
void gst_init(int *count, char ***words);
void *gst_element_factory_find(const char *name);
int main(void) {
    gst_init(NULL, NULL);
    puts(gst_element_factory_find("audiotestsrc") ? "found" : "no such element");
    return 0;
}
