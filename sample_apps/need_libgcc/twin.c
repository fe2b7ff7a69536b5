#include <pthread.h>
#include <stdio.h>
static void *work(void *unused) { return unused; }
int main(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) || pthread_join(thread, NULL)) return 1;
    puts("joined");
    return 0;
}
