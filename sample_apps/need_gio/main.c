/* Can GIO speak TLS? Only through a module. */
#include <stdio.h>
void *g_tls_backend_get_default(void);
int g_tls_backend_supports_tls(void *backend);
int main(void) {
    int spoken = g_tls_backend_supports_tls(g_tls_backend_get_default());
    puts(spoken ? "TLS" : "no TLS");
    return !spoken;
}
