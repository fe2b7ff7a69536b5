#include <arpa/inet.h>
#include <stdio.h>
int main(void) {
    printf("%d %d\n", ntohs(htons(443)), 1);
    return 0;
}
