#include <grp.h>
#include <pwd.h>
#include <stdio.h>
int main(void) {
    struct passwd *user = getpwuid(65532);
    struct group *group = getgrgid(65534);
    if (!user || !group) return puts("nobody known"), 1;
    printf("%s %s\n", user->pw_name, group->gr_name);
    return 0;
}
