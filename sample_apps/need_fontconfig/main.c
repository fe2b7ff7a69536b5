/* Which font stands in for "sans"? */
#include <stdio.h>
int FcInit(void);
void *FcNameParse(const char *name);
int FcConfigSubstitute(void *config, void *pattern, int kind);
void FcDefaultSubstitute(void *pattern);
void *FcFontMatch(void *config, void *pattern, int *result);
int FcPatternGetString(void *pattern, const char *object, int index, char **value);
int main(void) {
    int result;
    char *family = NULL;
    FcInit();
    void *pattern = FcNameParse("sans");
    FcConfigSubstitute(NULL, pattern, 0);
    FcDefaultSubstitute(pattern);
    void *found = FcFontMatch(NULL, pattern, &result);
    if (found) FcPatternGetString(found, "family", 0, &family);
    puts(family ? family : "no font");
    return !family;
}
