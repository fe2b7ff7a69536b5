/* Lay a graph out; the layout and the output are plugins. */
#include <stdio.h>
void *gvContext(void);
void *agmemread(const char *text);
int gvLayout(void *context, void *graph, const char *engine);
int gvRenderData(void *context, void *graph, const char *format, char **result, unsigned *size);
int main(void) {
    void *context = gvContext(), *graph = agmemread("digraph { a -> b }");
    char *result = "";
    unsigned size = 0;
    if (gvLayout(context, graph, "dot")) return puts("no layout"), 1;
    if (gvRenderData(context, graph, "plain", &result, &size)) return puts("no output"), 1;
    fwrite(result, 1, size, stdout);
    return 0;
}
