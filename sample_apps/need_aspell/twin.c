#include <stdio.h>
void *new_aspell_string_list(void);
int aspell_string_list_add(void *list, const char *word);
unsigned aspell_string_list_size(const void *list);
int main(void) {
    void *list = new_aspell_string_list();
    aspell_string_list_add(list, "hello");
    printf("%u\n", aspell_string_list_size(list));
    return 0;
}
