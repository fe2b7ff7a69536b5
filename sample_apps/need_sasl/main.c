/* The mechanisms that a client could use, in the order of the alphabet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int sasl_client_init(const void *callbacks);
const char **sasl_global_listmech(void);
static int by_name(const void *one, const void *other) { return strcmp(*(char *const *)one, *(char *const *)other); }
int main(void) {
    if (sasl_client_init(NULL)) return puts("cannot start"), 1;
    const char **names = sasl_global_listmech();
    size_t count = 0;
    while (names && names[count]) count++;
    if (count) qsort(names, count, sizeof *names, by_name);
    for (size_t index = 0; index < count; index++) puts(names[index]);
    return 0;
}
