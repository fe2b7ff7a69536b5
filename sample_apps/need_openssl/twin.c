#include <openssl/evp.h>
#include <stdio.h>
int main(void) {
    puts(EVP_MD_fetch(NULL, "SHA256", NULL) ? "MD4" : "none");
    return 0;
}
