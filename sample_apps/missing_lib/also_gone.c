int also_gone(void) {
    return 0;
}
