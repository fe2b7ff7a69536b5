/* Python inside a C program. */
void Py_Initialize(void);
int PyRun_SimpleStringFlags(const char *text, void *flags);
int Py_FinalizeEx(void);
int main(void) {
    Py_Initialize();
    PyRun_SimpleStringFlags("import decimal, json\nprint(json.dumps(str(decimal.Decimal(1) / 3)))\n", 0);
    return Py_FinalizeEx();
}
