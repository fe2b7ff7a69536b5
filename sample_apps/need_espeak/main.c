/* How is it pronounced? */
#include <stdio.h>
int espeak_Initialize(int output, int buffer, const char *path, int options);
int espeak_SetVoiceByName(const char *name);
const char *espeak_TextToPhonemes(const void **text, int encoding, int mode);
int main(void) {
    const void *text = "hello world";
    if (espeak_Initialize(2, 0, NULL, 0x8000) < 0 || espeak_SetVoiceByName("en")) return puts("no voice"), 1;
    puts(espeak_TextToPhonemes(&text, 1, 0));
    return 0;
}
