const char *greeting(void) {
    return "hello from a library beside the program";
}
