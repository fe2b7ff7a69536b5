/* A user that only a module of the name service knows. */
#include <pwd.h>
#include <stdio.h>
int main(void) {
    struct passwd *found = getpwnam("keeper");
    if (!found) return puts("nobody of that name"), 1;
    printf("%d %s\n", (int)found->pw_uid, found->pw_dir);
    return 0;
}
