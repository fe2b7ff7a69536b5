int gone(void);
int also_gone(void);

int main(void) {
    return gone() + also_gone();
}
