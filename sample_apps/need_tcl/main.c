/* Tcl inside a C program. */
#include <stdio.h>
void Tcl_FindExecutable(const char *name);
void *Tcl_CreateInterp(void);
int Tcl_Init(void *interpreter);
int Tcl_Eval(void *interpreter, const char *text);
const char *Tcl_GetStringResult(void *interpreter);
int main(void) {
    Tcl_FindExecutable("app");
    void *interpreter = Tcl_CreateInterp();
    int code = Tcl_Init(interpreter) || Tcl_Eval(interpreter, "clock format 0 -gmt 1");
    puts(Tcl_GetStringResult(interpreter));
    return code;
}
