/* The realm that tickets are asked of, where nothing else is said. */
#include <stdio.h>
int krb5_init_context(void **context);
int krb5_get_default_realm(void *context, char **realm);
const char *krb5_get_error_message(void *context, int code);
int main(void) {
    void *context;
    char *realm;
    int code = krb5_init_context(&context);
    if (code) return printf("%d\n", code), 1;
    if ((code = krb5_get_default_realm(context, &realm))) return puts(krb5_get_error_message(context, code)), 1;
    puts(realm);
    return 0;
}
