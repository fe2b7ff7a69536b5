// Draw on Qt's offscreen platform, keep it as a JPEG and look at that: two plugins.
#include <QBuffer>
#include <QGuiApplication>
#include <QImage>
#include <QPainter>
#include <cstdio>
int main(int count, char **words) {
    QGuiApplication application(count, words);
    QImage image(64, 64, QImage::Format_RGB32);
    image.fill(Qt::white);
    {
        QPainter painter(&image);
        painter.setPen(Qt::NoPen);
        painter.setBrush(Qt::red);
        painter.drawEllipse(8, 8, 48, 48);
    }
    QBuffer buffer;
    buffer.open(QIODevice::ReadWrite);
    if (!image.save(&buffer, "JPEG")) return std::puts("no JPEG"), 1;
    const QImage kept = QImage::fromData(buffer.data(), "JPEG");
    int red = 0;
    for (int x = 0; x < kept.width(); x++)
        for (int y = 0; y < kept.height(); y++) red += qRed(kept.pixel(x, y)) > 200 && qGreen(kept.pixel(x, y)) < 60;
    std::printf("%s %dx%d %d\n", qPrintable(application.platformName()), kept.width(), kept.height(), red);
    return red > 1600 && red < 2000 ? 0 : 1;
}
