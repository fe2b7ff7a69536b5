#include <stdio.h>
int krb5_salttype_to_string(int type, char *text, size_t room);
int main(void) {
    char text[64] = "";
    krb5_salttype_to_string(0, text, sizeof text);
    puts(text);
    return 0;
}
