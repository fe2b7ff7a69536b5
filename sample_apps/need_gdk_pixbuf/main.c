/* Read an image whose format is in a loader of its own: a bitmap of one row. */
#include <stdio.h>
void *gdk_pixbuf_loader_new_with_type(const char *type, void **error);
int gdk_pixbuf_loader_write(void *loader, const void *bytes, size_t size, void **error);
int gdk_pixbuf_loader_close(void *loader, void **error);
void *gdk_pixbuf_loader_get_pixbuf(void *loader);
int gdk_pixbuf_get_width(const void *image);
int gdk_pixbuf_get_height(const void *image);
int main(void) {
    static const char text[] = "P3\n3 1\n255\n255 0 0 0 255 0 0 0 255\n";
    void *loader = gdk_pixbuf_loader_new_with_type("pnm", NULL);
    if (!loader) return puts("no such format"), 1;
    gdk_pixbuf_loader_write(loader, text, sizeof text - 1, NULL);
    gdk_pixbuf_loader_close(loader, NULL);
    void *image = gdk_pixbuf_loader_get_pixbuf(loader);
    if (!image) return puts("no image"), 1;
    printf("%d x %d\n", gdk_pixbuf_get_width(image), gdk_pixbuf_get_height(image));
    return 0;
}
