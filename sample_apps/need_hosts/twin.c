#include <arpa/inet.h>
#include <stdio.h>
int main(void) {
    struct in_addr address;
    inet_pton(AF_INET, "127.0.0.1", &address);
    puts(inet_ntoa(address));
    return 0;
}
