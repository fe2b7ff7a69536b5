void ruby_show_copyright(void);
int main(void) {
    ruby_show_copyright();
    return 0;
}
