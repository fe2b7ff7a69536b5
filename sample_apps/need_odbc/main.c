/* Ask a database that the driver manager finds by the driver's name. */
#include <stdio.h>
short SQLAllocHandle(short kind, void *from, void **made);
short SQLSetEnvAttr(void *environment, int name, void *value, int size);
short SQLDriverConnect(void *link, void *window, const char *text, short size, char *out, short room, short *got, unsigned short ask);
short SQLExecDirect(void *statement, const char *text, int size);
short SQLFetch(void *statement);
short SQLGetData(void *statement, unsigned short column, short type, void *out, long room, long *got);
short SQLGetDiagRec(short kind, void *handle, short record, char *state, int *code, char *text, short room, short *got);
int main(void) {
    void *environment, *link, *statement;
    char answer[64] = "", said[512] = "", state[6];
    SQLAllocHandle(1, NULL, &environment);
    SQLSetEnvAttr(environment, 200, (void *)3, 0); /* ODBC 3 */
    SQLAllocHandle(2, environment, &link);
    short code = SQLDriverConnect(link, NULL, "Driver=SQLite3;Database=:memory:", -3, NULL, 0, NULL, 0);
    if (code != 0 && code != 1) return SQLGetDiagRec(2, link, 1, state, &(int){0}, said, sizeof said, NULL), puts(said), 1;
    SQLAllocHandle(3, link, &statement);
    SQLExecDirect(statement, "select 6 * 7", -3);
    SQLFetch(statement);
    SQLGetData(statement, 1, 1, answer, sizeof answer, NULL);
    puts(answer);
    return 0;
}
