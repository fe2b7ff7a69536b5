#include <stdio.h>
double proj_torad(double degrees);
int main(void) {
    printf("%.4f\n", proj_torad(180));
    return 0;
}
