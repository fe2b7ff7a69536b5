#include <stdio.h>
void *FcPatternCreate(void);
int FcPatternAddString(void *pattern, const char *object, const char *value);
int FcPatternGetString(void *pattern, const char *object, int index, char **value);
int main(void) {
    char *family = "none";
    void *pattern = FcPatternCreate();
    FcPatternAddString(pattern, "family", "mine");
    FcPatternGetString(pattern, "family", 0, &family);
    puts(family);
    return 0;
}
