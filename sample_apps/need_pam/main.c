/* Does the service take the user's word? pam_rootok of "runuser" takes root's. */
#include <stdio.h>
struct message;
struct response;
struct talk {
    int (*ask)(int, const struct message **, struct response **, void *);
    void *data;
};
int pam_start(const char *service, const char *user, const struct talk *talk, void **handle);
int pam_authenticate(void *handle, int flags);
const char *pam_strerror(void *handle, int code);
static int ask(int count, const struct message **asked, struct response **said, void *data) {
    (void)count, (void)asked, (void)said, (void)data;
    return 19; /* PAM_CONV_ERR: there is nobody to ask */
}
int main(void) {
    struct talk talk = {ask, NULL};
    void *handle = NULL;
    int code = pam_start("runuser", "root", &talk, &handle);
    if (!code) code = pam_authenticate(handle, 0);
    puts(pam_strerror(handle, code));
    return code;
}
