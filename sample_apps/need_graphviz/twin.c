#include <stdio.h>
void *agmemread(const char *text);
int agnnodes(void *graph);
int gvLayout(void *context, void *graph, const char *engine);
int main(void) {
    printf("%d %d\n", agnnodes(agmemread("digraph { a -> b }")), gvLayout != NULL);
    return 0;
}
