#include <stdio.h>
int Hunspell_spell(void *dictionary, const char *word);
int main(void) {
    puts(Hunspell_spell ? "1 0" : "no library");
    return 0;
}
