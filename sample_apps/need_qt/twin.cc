#include <QString>
#include <cstdio>
int main() {
    std::puts(qPrintable(QString("qt").toUpper()));
    return 0;
}
