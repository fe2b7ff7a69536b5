/* A German keyboard, and how accents are put on letters. */
#include <stdio.h>
struct names {
    const char *rules, *model, *layout, *variant, *options;
};
void *xkb_context_new(int flags);
void *xkb_keymap_new_from_names(void *context, const struct names *names, int flags);
const char *xkb_keymap_layout_get_name(void *keymap, unsigned index);
void *xkb_compose_table_new_from_locale(void *context, const char *locale, int flags);
int main(void) {
    void *context = xkb_context_new(0);
    void *keymap = context ? xkb_keymap_new_from_names(context, &(struct names){.layout = "de"}, 0) : NULL;
    void *accents = context ? xkb_compose_table_new_from_locale(context, "en_US.UTF-8", 0) : NULL;
    puts(keymap ? xkb_keymap_layout_get_name(keymap, 0) : "no keymap");
    puts(accents ? "accents" : "no accents");
    return !keymap;
}
