/* A name below localhost: nss-myhostname answers, without a server. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
int main(void) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    if (getaddrinfo("box.localhost", NULL, &hints, &found)) return puts("unknown host"), 1;
    puts(inet_ntoa(((struct sockaddr_in *)found->ai_addr)->sin_addr));
    return 0;
}
