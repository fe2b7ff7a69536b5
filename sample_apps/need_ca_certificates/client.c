/* An HTTPS client on libssl's own default trust store: prints what the server says, or the reason it is not trusted. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
int main(int count, char **words) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_default_verify_paths(context);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    BIO *server = BIO_new_ssl_connect(context);
    BIO_set_conn_hostname(server, words[count - 1]);
    if (BIO_do_connect(server) <= 0) return ERR_print_errors_fp(stderr), 1;
    BIO_puts(server, "GET / HTTP/1.0\r\n\r\n");
    char text[4096];
    for (int size; (size = BIO_read(server, text, sizeof text)) > 0;) fwrite(text, 1, size, stdout);
    return 0;
}
