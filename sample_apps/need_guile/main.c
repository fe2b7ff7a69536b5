/* Guile inside a C program. */
#include <stdio.h>
void *scm_with_guile(void *(*function)(void *), void *data);
void *scm_c_eval_string(const char *text);
static void *work(void *text) { return scm_c_eval_string(text); }
int main(void) {
    scm_with_guile(work, "(begin (use-modules (srfi srfi-1)) (display (fold + 0 (iota 10))) (newline))");
    return 0;
}
