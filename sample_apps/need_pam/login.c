/* A login: the password of the user in the first words, asked for by pam_unix. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct message;
struct response {
    char *text;
    int unused;
};
struct talk {
    int (*ask)(int, const struct message **, struct response **, void *);
    void *data;
};
int pam_start(const char *service, const char *user, const struct talk *talk, void **handle);
int pam_set_item(void *handle, int item, const void *value);
int pam_authenticate(void *handle, int flags);
int pam_acct_mgmt(void *handle, int flags);
const char *pam_strerror(void *handle, int code);
static int ask(int count, const struct message **asked, struct response **said, void *data) {
    (void)asked;
    *said = calloc(count, sizeof **said);
    for (int at = 0; at < count; at++) (*said)[at].text = strdup(data);
    return 0;
}
static void at_once(int code, unsigned microseconds, void *data) { (void)code, (void)microseconds, (void)data; }
int main(int count, char **words) {
    if (count != 3) return 2;
    struct talk talk = {ask, words[2]};
    void *handle = NULL;
    int code = pam_start("other", words[1], &talk, &handle);
    if (!code) code = pam_set_item(handle, 10 /* PAM_FAIL_DELAY */, at_once);
    if (!code) code = pam_authenticate(handle, 0);
    if (!code) code = pam_acct_mgmt(handle, 0);
    puts(pam_strerror(handle, code));
    return code;
}
