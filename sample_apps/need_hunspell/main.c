/* Which of two words is spelt right? */
#include <stdio.h>
void *Hunspell_create(const char *affixes, const char *words);
int Hunspell_spell(void *dictionary, const char *word);
int main(void) {
    void *dictionary = Hunspell_create("/usr/share/hunspell/en_US.aff", "/usr/share/hunspell/en_US.dic");
    printf("%d %d\n", Hunspell_spell(dictionary, "hello"), Hunspell_spell(dictionary, "helo"));
    return 0;
}
