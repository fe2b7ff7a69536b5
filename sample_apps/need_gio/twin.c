#include <stdio.h>
void *g_file_new_for_path(const char *path);
char *g_file_get_basename(void *file);
int main(void) {
    puts(g_file_get_basename(g_file_new_for_path("/a/b")));
    return 0;
}
