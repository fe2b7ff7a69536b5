/* A PostScript program that adds. */
#include <stdio.h>
int gsapi_new_instance(void **instance, void *caller);
int gsapi_init_with_args(void *instance, int count, char **words);
int gsapi_exit(void *instance);
int main(void) {
    void *instance;
    char *words[] = {"gs", "-q", "-dNODISPLAY", "-dBATCH", "-c", "/Helvetica findfont /FontName get == 1 2 add =="};
    if (gsapi_new_instance(&instance, NULL) < 0) return puts("no instance"), 1;
    int code = gsapi_init_with_args(instance, 6, words);
    gsapi_exit(instance);
    return code < 0 && code != -101;
}
