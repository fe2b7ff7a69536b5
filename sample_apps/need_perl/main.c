/* Perl inside a C program. */
void Perl_sys_init3(int *count, char ***words, char ***environment);
void *perl_alloc(void);
void perl_construct(void *perl);
int perl_parse(void *perl, void (*extensions)(void *), int count, char **words, char **environment);
int perl_run(void *perl);
int perl_destruct(void *perl);
void *Perl_newXS(void *perl, const char *name, void (*function)(void *, void *), const char *file);
void boot_DynaLoader(void *perl, void *code);
static void extensions(void *perl) { Perl_newXS(perl, "DynaLoader::boot_DynaLoader", boot_DynaLoader, __FILE__); }
int main(int count, char **words, char **environment) {
    char *script[] = {"", "-e", "use strict; use List::Util 'sum'; use POSIX 'floor'; print sum(1 .. 10), ' ', floor(2.7), qq(\n)", 0};
    Perl_sys_init3(&count, &words, &environment);
    void *perl = perl_alloc();
    perl_construct(perl);
    int code = perl_parse(perl, extensions, 3, script, 0);
    if (!code) code = perl_run(perl);
    perl_destruct(perl);
    return code;
}
