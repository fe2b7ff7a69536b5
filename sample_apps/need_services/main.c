#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
int main(void) {
    struct servent *service = getservbyname("https", "tcp");
    struct protoent *protocol = getprotobyname("icmp");
    if (!service || !protocol) return puts("no tables"), 1;
    printf("%d %d\n", ntohs(service->s_port), protocol->p_proto);
    return 0;
}
