/* Which of two words is spelt right? */
#include <stdio.h>
void *new_aspell_config(void);
int aspell_config_replace(void *config, const char *key, const char *value);
void *new_aspell_speller(void *config);
int aspell_error_number(void *maybe);
const char *aspell_error_message(void *maybe);
void *to_aspell_speller(void *maybe);
int aspell_speller_check(void *speller, const char *word, int size);
int main(void) {
    void *config = new_aspell_config();
    aspell_config_replace(config, "lang", "en");
    void *maybe = new_aspell_speller(config);
    if (aspell_error_number(maybe)) return puts(aspell_error_message(maybe)), 1;
    void *speller = to_aspell_speller(maybe);
    printf("%d %d\n", aspell_speller_check(speller, "hello", -1), aspell_speller_check(speller, "helo", -1));
    return 0;
}
