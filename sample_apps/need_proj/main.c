/* A coordinate system by its number is in a database. */
#include <stdio.h>
void *proj_create(void *context, const char *definition);
const char *proj_get_id_code(const void *object, int number);
int main(void) {
    void *system = proj_create(NULL, "EPSG:25832");
    if (!system) return puts("no such system"), 1;
    puts(proj_get_id_code(system, 0));
    return 0;
}
