/* Ruby inside a C program. */
void ruby_sysinit(int *count, char ***words);
void ruby_init_stack(volatile void *base);
void ruby_init(void);
void *ruby_options(int count, char **words);
int ruby_run_node(void *node);
int main(int count, char **words) {
    char *script[] = {"ruby", "-e", "require 'json'; require 'set'; puts JSON.generate(a: Set[1, 2].to_a)", 0};
    volatile unsigned long base;
    ruby_sysinit(&count, &words);
    ruby_init_stack(&base);
    ruby_init();
    return ruby_run_node(ruby_options(3, script));
}
