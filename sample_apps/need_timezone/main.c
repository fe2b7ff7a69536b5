#include <stdio.h>
#include <time.h>
int main(void) {
    time_t epoch = 0;
    char text[32];
    strftime(text, sizeof text, "%H:%M %Z", localtime(&epoch));
    puts(text);
    return 0;
}
