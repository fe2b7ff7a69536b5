/* libnss_keep.so.2: a name service with one user. */
#include <errno.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
enum nss_status _nss_keep_getpwnam_r(const char *name, struct passwd *found, char *room, size_t size, int *error) {
    if (strcmp(name, "keeper")) return NSS_STATUS_NOTFOUND;
    if (snprintf(room, size, "keeper") >= (int)size) return *error = ERANGE, NSS_STATUS_TRYAGAIN;
    *found = (struct passwd){.pw_name = room, .pw_passwd = "x", .pw_uid = 4711, .pw_gid = 4711, .pw_gecos = "",
                             .pw_dir = "/keep", .pw_shell = "/sbin/nologin"};
    return NSS_STATUS_SUCCESS;
}
