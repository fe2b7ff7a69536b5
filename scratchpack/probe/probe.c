/* Asks a server whether it answers: probe http://127.0.0.1:8080/healthz, or probe tcp://127.0.0.1:6379.

   Ends with 0 when it does (HTTP: a status from 200 to 399), with 1 when it does not, with 2 when the address is no such one.
   It stands in images that hold nothing else, so it has no C library: a few kilobytes, a few system calls, no memory of its
   own beyond the stack. Addresses are numbers or localhost: there is nothing in such an image that would look a name up. */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long ulong;

enum { SECONDS = 5, SOL_SOCKET = 1, MSG_NOSIGNAL = 0x4000, LONGEST = 2048 };
#if defined(__powerpc64__)
enum { SO_RCVTIMEO = 18, SO_SNDTIMEO = 19 };
#else
enum { SO_RCVTIMEO = 20, SO_SNDTIMEO = 21 };
#endif

#if defined(__x86_64__)
enum { SOCKET = 41, CONNECT = 42, SENDTO = 44, WRITE = 1, READ = 0, SETSOCKOPT = 54, EXIT = 231 };
static long call(long n, long a, long b, long c, long d, long e) {
    long out;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    __asm__ volatile("syscall" : "=a"(out) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
    return out;
}
__asm__(".globl _start\n_start: xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call start\n hlt");
#elif defined(__i386__)
enum { SOCKET = 359, CONNECT = 362, SENDTO = 369, WRITE = 4, READ = 3, SETSOCKOPT = 366, EXIT = 252 };
static long call(long n, long a, long b, long c, long d, long e) {
    long out;
    __asm__ volatile("int $0x80" : "=a"(out) : "a"(n), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
    return out;
}
__asm__(".globl _start\n_start: xor %ebp, %ebp\n mov %esp, %eax\n and $-16, %esp\n sub $12, %esp\n push %eax\n call start\n hlt");
#elif defined(__aarch64__)
enum { SOCKET = 198, CONNECT = 203, SENDTO = 206, WRITE = 64, READ = 63, SETSOCKOPT = 208, EXIT = 94 };
static long call(long n, long a, long b, long c, long d, long e) {
    register long x8 __asm__("x8") = n;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
}
__asm__(".globl _start\n_start: mov x29, xzr\n mov x30, xzr\n mov x0, sp\n and sp, x0, #-16\n bl start\n brk #1");
#elif defined(__arm__)
enum { SOCKET = 281, CONNECT = 283, SENDTO = 290, WRITE = 4, READ = 3, SETSOCKOPT = 294, EXIT = 248 };
static long call(long n, long a, long b, long c, long d, long e) {
    register long r0 __asm__("r0") = a;
    register long r1 __asm__("r1") = b;
    register long r2 __asm__("r2") = c;
    register long r3 __asm__("r3") = d;
    register long r4 __asm__("r4") = e;
    /* r7 may be the frame pointer of Thumb code: it is saved and not claimed */
    __asm__ volatile("push {r7}\n mov r7, %1\n svc 0\n pop {r7}"
                     : "+r"(r0) : "r"(n), "r"(r1), "r"(r2), "r"(r3), "r"(r4) : "memory");
    return r0;
}
__asm__(".globl _start\n_start: mov r0, sp\n bic r1, r0, #7\n mov sp, r1\n bl start\n udf #0");
#elif defined(__riscv)
enum { SOCKET = 198, CONNECT = 203, SENDTO = 206, WRITE = 64, READ = 63, SETSOCKOPT = 208, EXIT = 94 };
static long call(long n, long a, long b, long c, long d, long e) {
    register long a7 __asm__("a7") = n;
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a3 __asm__("a3") = d;
    register long a4 __asm__("a4") = e;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4) : "memory");
    return a0;
}
__asm__(".globl _start\n_start: mv a0, sp\n andi sp, sp, -16\n call start\n ebreak");
#elif defined(__powerpc64__)
enum { SOCKET = 326, CONNECT = 328, SENDTO = 335, WRITE = 4, READ = 3, SETSOCKOPT = 339, EXIT = 234 };
static long call(long n, long a, long b, long c, long d, long e) {
    register long r0 __asm__("r0") = n;
    register long r3 __asm__("r3") = a;
    register long r4 __asm__("r4") = b;
    register long r5 __asm__("r5") = c;
    register long r6 __asm__("r6") = d;
    register long r7 __asm__("r7") = e;
    __asm__ volatile("sc\n bns+ 1f\n neg %1, %1\n1:"
                     : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6), "+r"(r7)
                     : : "r8", "r9", "r10", "r11", "r12", "cr0", "ctr", "xer", "memory");
    return r3;
}
__asm__(".globl _start\n_start: lis 2, .TOC.@ha\n addi 2, 2, .TOC.@l\n mr 3, 1\n clrrdi 1, 1, 4\n li 0, 0\n stdu 0, -64(1)\n bl start\n trap");
#elif defined(__s390x__)
enum { SOCKET = 359, CONNECT = 362, SENDTO = 369, WRITE = 4, READ = 3, SETSOCKOPT = 366, EXIT = 248 };
static long call(long n, long a, long b, long c, long d, long e) {
    register long r1 __asm__("r1") = n;
    register long r2 __asm__("r2") = a;
    register long r3 __asm__("r3") = b;
    register long r4 __asm__("r4") = c;
    register long r5 __asm__("r5") = d;
    register long r6 __asm__("r6") = e;
    __asm__ volatile("svc 0" : "+d"(r2) : "d"(r1), "d"(r3), "d"(r4), "d"(r5), "d"(r6) : "memory");
    return r2;
}
__asm__(".globl _start\n_start: lgr %r2, %r15\n nill %r15, 0xfff8\n aghi %r15, -160\n brasl %r14, start\n j .");
#else
#error "no system calls for this machine"
#endif

struct in4 { u16 family; u8 port[2]; u8 address[4]; u8 zero[8]; };
struct in6 { u16 family; u8 port[2]; u32 flow; u8 address[16]; u32 scope; };
struct span { long seconds, micros; };

static ulong length(const char *text) {
    const volatile char *end = text; /* volatile: or the compiler makes a call to strlen of it, which is not there */
    while (*end) end++;
    return (ulong)(end - text);
}

static void leave(int status, const char *why) {
    if (why) {
        call(WRITE, 2, (long)why, (long)length(why), 0, 0);
        call(WRITE, 2, (long)"\n", 1, 0, 0);
    }
    for (;;) call(EXIT, status, 0, 0, 0, 0);
}

static const char *after(const char *text, const char *start) {
    while (*start)
        if (*text++ != *start++) return 0;
    return text;
}

/* appends to the request; what does not fit ends the program */
static ulong put(char *request, ulong have, const char *text, ulong size) {
    if (size > LONGEST - have) leave(2, "probe: the address is too long");
    for (ulong place = 0; place < size; place++) ((volatile char *)request)[have + place] = text[place];
    return have + size;
}

/* "1.2.3.4", "localhost" or nothing, up to : / or the end; what follows, or 0 */
static const char *numbers(const char *text, u8 *into) {
    const char *rest = after(text, "localhost");
    into[0] = 127, into[1] = into[2] = 0, into[3] = 1;
    if (rest) return rest;
    if (*text == ':' || *text == '/') return text;
    for (int part = 0; part < 4; part++) {
        u32 value = 0, digits = 0;
        while (*text >= '0' && *text <= '9' && digits++ < 3) value = value * 10 + (u32)(*text++ - '0');
        if (!digits || value > 255 || (part < 3 && *text++ != '.')) return 0;
        into[part] = (u8)value;
    }
    return text;
}

__attribute__((used)) void start(long *stack) {
    char **words = (char **)(stack + 1);
    if (stack[0] != 2) leave(2, "probe: takes one address: http://127.0.0.1:8080/path or tcp://127.0.0.1:6379");
    const char *rest = after(words[1], "http://"), *host;
    int http = rest != 0, six;
    if (!rest) rest = after(words[1], "tcp://");
    if (!rest) leave(2, "probe: an address starts with http:// or tcp://");
    host = rest;
    union { struct in4 four; struct in6 six; } to;
    for (volatile u8 *byte = (volatile u8 *)&to; byte < (volatile u8 *)(&to + 1); byte++) *byte = 0;
    const char *end = after(rest, "[::1]");
    six = end != 0;
    if (six) to.six.address[15] = 1;
    else end = numbers(rest, to.four.address);
    if (!end) leave(2, "probe: a host is a number like 127.0.0.1, localhost or [::1]");
    to.four.family = six ? 10 : 2;
    u32 port = http ? 80 : 0;
    rest = end;
    if (*rest == ':') {
        port = 0;
        while (*++rest >= '0' && *rest <= '9' && port < 65536) port = port * 10 + (u32)(*rest - '0');
    }
    if (!port || port > 65535 || (*rest && *rest != '/')) leave(2, "probe: a port is a number up to 65535");
    to.four.port[0] = (u8)(port >> 8), to.four.port[1] = (u8)port;

    long link = call(SOCKET, six ? 10 : 2, 1, 0, 0, 0);
    if (link < 0) leave(1, "probe: no socket");
    struct span wait = {SECONDS, 0};
    call(SETSOCKOPT, link, SOL_SOCKET, SO_RCVTIMEO, (long)&wait, sizeof wait);
    call(SETSOCKOPT, link, SOL_SOCKET, SO_SNDTIMEO, (long)&wait, sizeof wait);
    if (call(CONNECT, link, (long)&to, six ? sizeof to.six : sizeof to.four, 0, 0)) leave(1, "probe: nothing listens there");
    if (!http) leave(0, 0);
    char request[LONGEST]; /* sent at once: a server may close as soon as it has read something */
    ulong size = put(request, 0, "GET ", 4);
    size = put(request, size, *rest ? rest : "/", *rest ? length(rest) : 1);
    size = put(request, size, " HTTP/1.0\r\nHost: ", 17);
    size = put(request, size, host, (ulong)(rest - host));
    size = put(request, size, "\r\nUser-Agent: scratchpack-probe\r\nConnection: close\r\n\r\n", 54);
    if (call(SENDTO, link, (long)request, (long)size, MSG_NOSIGNAL, 0) != (long)size) leave(1, "probe: it takes no request");
    char answer[12]; /* "HTTP/1.1 200" */
    ulong have = 0;
    while (have < sizeof answer) {
        long got = call(READ, link, (long)(answer + have), (long)(sizeof answer - have), 0, 0);
        if (got <= 0) leave(1, "probe: it does not answer");
        have += (ulong)got;
    }
    if (!after(answer, "HTTP/1.") || answer[8] != ' ') leave(1, "probe: the answer is not HTTP");
    if (answer[9] == '2' || answer[9] == '3') leave(0, 0);
    static char why[] = "probe: it answers 000";
    for (int place = 0; place < 3; place++) why[18 + place] = answer[9 + place];
    leave(1, why);
}
