/* Swedish sorts ö after z, which is data. Names of ICU's functions end with its version: -DICU=72. */
#include <stdint.h>
#include <stdio.h>
#define JOINED(name, version) name##_##version
#define VERSIONED(name, version) JOINED(name, version)
#define ucol_open VERSIONED(ucol_open, ICU)
#define ucol_strcoll VERSIONED(ucol_strcoll, ICU)
#define u_errorName VERSIONED(u_errorName, ICU)
#define u_setDataDirectory VERSIONED(u_setDataDirectory, ICU)
void *ucol_open(const char *locale, int *status);
int ucol_strcoll(const void *collator, const uint16_t *one, int32_t its, const uint16_t *other, int32_t others);
const char *u_errorName(int status);
void u_setDataDirectory(const char *directory);
int main(void) {
    const uint16_t o[] = {0xf6}, z[] = {'z'};
    int status = 0;
#ifdef DIRECTORY
    u_setDataDirectory(DIRECTORY);
#endif
    void *collator = ucol_open("sv", &status);
    if (status > 0) return puts(u_errorName(status)), 1;
    puts(ucol_strcoll(collator, o, 1, z, 1) > 0 ? "after z" : "before z");
    return 0;
}
