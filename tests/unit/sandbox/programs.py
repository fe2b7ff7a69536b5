"""Guests in C: each tries one kind of thing, and prints what happened."""

SHOW = r"""
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>
#include <dirent.h>
int main(int argc, char **argv) {
    char line[512];
    FILE *status = fopen("/proc/self/status", "r");
    printf("uid %d gid %d cwd %s\n", getuid(), getgid(), getcwd(line, sizeof line));
    while (fgets(line, sizeof line, status))
        if (!strncmp(line, "Cap", 3) || !strncmp(line, "NoNew", 5)) fputs(line, stdout);
    fclose(status);
    for (int each = 1; each < argc; each++) {
        FILE *file = fopen(argv[each], "r");
        printf("%s: ", argv[each]);
        while (file && fgets(line, sizeof line, file)) fputs(line, stdout);
        puts("");
        if (file) fclose(file);
    }
    DIR *fds = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(fds)) count++;
    printf("descriptors %d\n", count - 3);  /* without ".", ".." and the directory itself */
    return 7;
}
"""

WRITE = r"""
#include <stdio.h>
#include <errno.h>
#include <string.h>
int main(int argc, char **argv) {
    for (int each = 1; each < argc; each++) {
        FILE *file = fopen(argv[each], "a");
        int bad = !file || fputs("changed", file) < 0 || fclose(file);
        printf("%s: %s\n", argv[each], bad ? strerror(errno) : "written");
    }
    return 0;
}
"""

# Prints a line for each way out that was open.
ESCAPE = r"""
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <arpa/inet.h>
static void tried(const char *what, long result) { if (result >= 0) printf("OPEN: %s\n", what); }
static void opened(const char *path, int flags) { tried(path, open(path, flags)); }
int main(int argc, char **argv) {
    char *victim = argv[1];  /* a file of the host, by its path there */
    char path[512];
    const char *ways[] = {"/proc/1/root", "/proc/1/cwd", "/proc/self/root/../../..", "/proc/self/cwd/../../../..", "/..",
                          "/proc/2/root/../..", "/dev/fd/../../..", 0};
    for (int each = 0; ways[each]; each++) {
        snprintf(path, sizeof path, "%s%s", ways[each], victim);
        opened(path, O_RDONLY);
    }
    for (int each = 0; each < 256; each++) {
        snprintf(path, sizeof path, "/proc/1/fd/%d", each); opened(path, O_RDONLY);
        snprintf(path, sizeof path, "/proc/1/fd/%d%s", each, victim); opened(path, O_RDONLY);
        if (each > 2) { snprintf(path, sizeof path, "/proc/self/fd/%d%s", each, victim); opened(path, O_RDONLY); }
    }
    opened("/proc/1/exe", O_RDONLY); opened("/proc/1/mem", O_RDWR); opened("/proc/1/environ", O_RDONLY);
    opened("/proc/1/maps", O_RDONLY); opened("/proc/1/ns/mnt", O_RDONLY);
    opened("/proc/sysrq-trigger", O_WRONLY); opened("/proc/sys/kernel/core_pattern", O_WRONLY);
    opened("/proc/sys/kernel/hostname", O_WRONLY); opened("/proc/sys/vm/drop_caches", O_WRONLY);
    opened("/proc/sys/user/max_user_namespaces", O_WRONLY); opened("/proc/dynamic_debug/control", O_WRONLY);
    opened("/sys/kernel/uevent_helper", O_WRONLY); opened("/sys/power/state", O_WRONLY);
    opened("/dev/kmsg", O_RDWR); opened("/dev/mem", O_RDWR); opened("/dev/vda", O_RDONLY); opened("/dev/sda", O_RDONLY);
    opened("/dev/tty", O_RDWR);
    char byte;
    int core = open("/proc/kcore", O_RDONLY);
    if (core >= 0 && read(core, &byte, 1) == 1) puts("OPEN: /proc/kcore");
    tried("chmod /dev/null", chmod("/dev/null", 0600)); tried("unlink of the program", unlink(argv[0]));
    tried("chmod of the program", chmod(argv[0], 0777)); tried("chown /dev/zero", chown("/dev/zero", 1, 1));
    tried("mknod c", mknod("/dev/shm/c", S_IFCHR | 0666, makedev(1, 3)));
    tried("mknod b", mknod("/tmp/b", S_IFBLK | 0666, makedev(8, 0)));
    tried("mount tmpfs", mount("x", "/tmp", "tmpfs", 0, ""));
    tried("remount /", mount("", "/", "", MS_REMOUNT | MS_BIND, ""));
    tried("umount /proc/sys", umount2("/proc/sys", MNT_DETACH)); tried("umount /", umount2("/", MNT_DETACH));
    tried("unshare user", unshare(CLONE_NEWUSER)); tried("unshare mount", unshare(CLONE_NEWNS));
    tried("chroot", chroot("/tmp"));
    tried("open_tree", syscall(428, AT_FDCWD, "/", 1)); tried("fsopen", syscall(430, "proc", 0));
    tried("pivot_root", syscall(SYS_pivot_root, ".", "."));
    tried("ptrace 1", ptrace(PTRACE_ATTACH, 1, 0, 0)); tried("sethostname", sethostname("x", 1));
    tried("init_module", syscall(SYS_init_module, "", 0, "")); tried("reboot", syscall(SYS_reboot, 0xfee1dead, 672274793, 0, 0));
    tried("bpf", syscall(SYS_bpf, 0, 0, 0)); tried("swapon", syscall(SYS_swapon, "/x", 0));
    tried("settimeofday", syscall(SYS_settimeofday, &(long[2]){0, 0}, 0));
    tried("open_by_handle_at", syscall(SYS_open_by_handle_at, AT_FDCWD, "\x08\0\0\0\1\0\0\0\2\0\0\0\0\0\0\0", O_RDONLY));
    tried("signal a process of the host", kill(atoi(argv[3]), 0));
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    strcpy(name.sun_path + 1, argv[2]);
    int made = socket(AF_UNIX, SOCK_STREAM, 0);
    tried("abstract socket", connect(made, (void *)&name, sizeof(sa_family_t) + 1 + strlen(argv[2])));
    struct sockaddr_in port = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[4])), .sin_addr.s_addr = inet_addr("127.0.0.1")};
    tried("tcp of the host", connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&port, sizeof port));
    kill(1, SIGKILL); kill(1, SIGTERM); kill(1, SIGCHLD);
    puts("tried");
    return 0;
}
"""

FORK_BOMB = r"""
#include <unistd.h>
int main(void) { for (;;) fork(); }
"""

CROWD = r"""
#include <unistd.h>
int main(void) { for (;;) { if (!fork()) for (;;) pause(); usleep(500); } }
"""

THREADS = r"""
#include <pthread.h>
#include <unistd.h>
static void *nothing(void *x) { pause(); return x; }
int main(void) { pthread_t one; for (;;) pthread_create(&one, 0, nothing, 0); }
"""

ORPHANS = r"""
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
    for (int each = 0; each < 5; each++)
        if (!fork()) { setsid(); if (!fork()) for (;;) pause(); return 0; }
    puts("left");
    if (argc > 1) { fflush(stdout); for (;;) pause(); }
    return 0;
}
"""

HOG = r"""
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
int main(int argc, char **argv) {
    static char block[1 << 20];
    memset(block, 1, sizeof block);
    int how = atoi(argv[1]);  /* 0 one process, 1 many, 2 shared, 3 disk, 4 /dev/shm */
    if (how == 1) for (int each = 0; each < 5; each++) if (!fork()) break;
    FILE *file = how == 3 ? fopen("/big", "w") : how == 4 ? fopen("/dev/shm/big", "w") : 0;
    for (int each = 0; each < 4096; each++) {
        if (file) {
            if (fwrite(block, sizeof block, 1, file) != 1 || fflush(file)) { perror("write"); return 9; }
            continue;
        }
        void *piece = mmap(0, sizeof block, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | (how == 2 ? MAP_SHARED : MAP_PRIVATE), -1, 0);
        if (piece == MAP_FAILED) { perror("mmap"); fflush(stderr); if (how == 1) for (;;) pause(); return 9; }
        memset(piece, 1, sizeof block);
        if (how == 1 && each == 80) for (;;) pause();
    }
    return 0;
}
"""

SERVER = r"""
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <signal.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/socket.h>
static void bye(int number) { printf("signal %d\n", number); fflush(stdout); _exit(0); }
int main(int argc, char **argv) {
    signal(SIGUSR1, bye);
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in port = {.sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = inet_addr("127.0.0.1")};
    usleep(100000);
    if (bind(listening, (void *)&port, sizeof port)) { perror("bind"); return 1; }
    listen(listening, 8);
    for (;;) {
        char text[4096];
        int one = accept(listening, 0, 0);
        long count = read(one, text, sizeof text - 1);
        if (count > 0) {
            text[count] = 0;
            dprintf(one, "HTTP/1.0 418 teapot\r\n\r\n%.20s", text);
        }
        close(one);
    }
}
"""

# Touches files in every way that a tracer must see: relative to a directory, by a child, a thread, and after a thread's exec.
TOUCH = r"""
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
static char *self;
static void *thread(void *again) {
    open("in-thread", O_RDONLY);
    if (again) { char *words[] = {self, "again", 0}; char *none[] = {0}; execve(self, words, none); }
    return 0;
}
int main(int argc, char **argv) {
    struct stat status;
    pthread_t one;
    self = argv[0];
    if (argc > 1 && !strcmp(argv[1], "again")) { open("/data/after-exec", O_RDONLY); puts("done"); return 0; }
    if (argc > 1) { open("/data/spawned", O_RDONLY); return 0; }
    open("/data/opened", O_RDONLY); open("/data/missing", O_RDONLY); open("/data/opened/below", O_RDONLY);
    stat("/data/looked", &status); access("/data/asked", R_OK);
    int directory = open("/data/sub", O_RDONLY | O_DIRECTORY);
    openat(directory, "relative", O_RDONLY); fstatat(directory, "../looked-at", &status, 0);
    fstatat(directory, "", &status, AT_EMPTY_PATH);
    DIR *list = fdopendir(directory);
    while (readdir(list)) ;
    chdir("/data");
    int file = open("./mapped", O_RDONLY);
    mmap(0, 1, PROT_READ, MAP_PRIVATE, file, 0);
    open("/data/new", O_WRONLY | O_CREAT, 0600); mkdir("/data/opened", 0700);
    open("name with \xff \"quotes\" <and> brackets,", O_RDONLY);
    open("through/looked", O_PATH);
    if (!fork()) { open("in-child", O_RDONLY); if (!fork()) { chdir("sub"); open("grandchild", O_RDONLY); _exit(0); } wait(0); _exit(0); }
    wait(0);
    pid_t spawned;
    char *words[] = {self, "spawned", 0};
    posix_spawn(&spawned, self, 0, 0, words, environ);
    waitpid(spawned, 0, 0);
    pthread_create(&one, 0, thread, 0); pthread_join(one, 0);
    pthread_create(&one, 0, thread, self); pthread_join(one, 0);
    return 1;
}
"""

RING = r"""
#include <stdio.h>
#include <errno.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/syscall.h>
int main(void) {
    char setup[256] = {0};
    long made = syscall(425, 8, setup);
    puts(made < 0 ? strerror(errno) : "a ring");
    return open("/data/opened", O_RDONLY) < 0;
}
"""

REACH = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
int main(int argc, char **argv) {
    struct sockaddr_in port = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = inet_addr("127.0.0.1")};
    puts(connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&port, sizeof port) ? "not reached" : "reached");
    FILE *made = fopen("/made", "w");
    puts(made ? "written" : "not written");
    return 0;
}
"""
