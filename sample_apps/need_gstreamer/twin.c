#include <stdio.h>
char *gst_version_string(void);
int main(void) {
    puts(gst_version_string());
    return 0;
}
