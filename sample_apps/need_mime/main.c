/* The content type of a file's name. */
#include <stdio.h>
char *g_content_type_guess(const char *name, const void *data, size_t size, int *uncertain);
int main(void) {
    puts(g_content_type_guess("page.html", NULL, 0, NULL));
    return 0;
}
