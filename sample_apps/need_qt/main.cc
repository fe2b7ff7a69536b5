// Draw on Qt's offscreen platform: a plugin.
#include <QGuiApplication>
#include <QImage>
#include <cstdio>
int main(int count, char **words) {
    QGuiApplication application(count, words);
    QImage image(2, 2, QImage::Format_RGB32);
    image.fill(Qt::red);
    std::printf("%s %x\n", qPrintable(application.platformName()), image.pixel(1, 1));
    return 0;
}
