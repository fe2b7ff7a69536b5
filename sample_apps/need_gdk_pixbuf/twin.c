#include <stdio.h>
void *gdk_pixbuf_new(int space, int alpha, int bits, int width, int height);
int gdk_pixbuf_get_width(const void *image);
int main(void) {
    printf("%d\n", gdk_pixbuf_get_width(gdk_pixbuf_new(0, 0, 8, 3, 1)));
    return 0;
}
