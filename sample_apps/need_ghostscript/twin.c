#include <stdio.h>
struct revision {
    const char *product, *copyright;
    long number, date;
};
int gsapi_revision(struct revision *revision, int size);
int main(void) {
    struct revision revision;
    gsapi_revision(&revision, sizeof revision);
    puts(revision.product);
    return 0;
}
