#include <iconv.h>
#include <stdio.h>
#include <string.h>
int main(void) {
    char in[] = "\xe8", out[8] = {0}, *from = in, *to = out;
    size_t left = 1, room = sizeof out;
    iconv_t czech = iconv_open("UTF-8", "ISO-8859-2"), wide = iconv_open("UTF-16LE", "UTF-8");
    if (czech == (iconv_t)-1 || wide == (iconv_t)-1) return puts("no such charset"), 1;
    iconv(czech, &from, &left, &to, &room);
    puts(out);
    return 0;
}
