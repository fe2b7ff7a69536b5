#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdio.h>
int main(void) {
    if (!OSSL_PROVIDER_load(NULL, "legacy")) return puts("no legacy provider"), 1;
    puts(EVP_MD_fetch(NULL, "MD4", NULL) ? "MD4" : "none");
    return 0;
}
