/* Read what is written in a picture: HI. */
#include <stdio.h>
#include <string.h>
void *TessBaseAPICreate(void);
int TessBaseAPIInit3(void *api, const char *data, const char *language);
void TessBaseAPISetPageSegMode(void *api, int mode);
void TessBaseAPISetImage(void *api, const unsigned char *pixels, int width, int height, int depth, int row);
char *TessBaseAPIGetUTF8Text(void *api);
enum { WIDTH = 120, HEIGHT = 80 };
int main(void) {
    static unsigned char pixels[HEIGHT][WIDTH];
    memset(pixels, 255, sizeof pixels);
    for (int row = 20; row < 60; row++) {
        memset(&pixels[row][30], 0, 8);
        memset(&pixels[row][52], 0, 8);
        memset(&pixels[row][76], 0, 8);
        if (row >= 36 && row < 43) memset(&pixels[row][30], 0, 30);
    }
    void *api = TessBaseAPICreate();
    if (TessBaseAPIInit3(api, NULL, "eng")) return puts("no language"), 1;
    TessBaseAPISetPageSegMode(api, 8);
    TessBaseAPISetImage(api, pixels[0], WIDTH, HEIGHT, 1, WIDTH);
    printf("%s", TessBaseAPIGetUTF8Text(api));
    return 0;
}
