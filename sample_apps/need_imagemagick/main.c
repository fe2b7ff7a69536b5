/* Make an image; the coder of each format is a module. */
#include <stdio.h>
void MagickWandGenesis(void);
void *NewMagickWand(void);
int MagickReadImage(void *wand, const char *name);
size_t MagickGetImageWidth(void *wand);
size_t MagickGetImageHeight(void *wand);
int main(void) {
    MagickWandGenesis();
    void *wand = NewMagickWand();
    if (!MagickReadImage(wand, "rose:")) return puts("no such image"), 1;
    printf("%zu x %zu\n", MagickGetImageWidth(wand), MagickGetImageHeight(wand));
    return 0;
}
