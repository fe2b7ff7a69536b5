#include <stdio.h>
const char *sasl_errstring(int code, const char *languages, const char **used);
int main(void) {
    puts(sasl_errstring(-4, NULL, NULL));
    return 0;
}
