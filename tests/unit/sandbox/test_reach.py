"""What a guest reaches when it may, and what of its caller it never does: the caller's keys, environment, descriptors, terminal, memory (S1, W33)."""

from __future__ import annotations

import ctypes
import json
import os
import pty
import socket
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support import build, guests, tools
from tests.unit.sandbox import programs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.guests import Host

pytestmark = pytest.mark.xdist_group("sandbox")

# Prints a line for each thing of its caller that it got hold of. argv: a SysV key, a marker of the caller's secrets.
PRY = r"""
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
extern char **environ;
static void tried(const char *what, long result) { if (result >= 0) printf("OPEN: %s\n", what); }
static void marked(const char *path, const char *mark) {
    static char text[1 << 17];
    int file = open(path, O_RDONLY);
    long count = file < 0 ? 0 : read(file, text, sizeof text);
    if (count > 0 && memmem(text, count, mark, strlen(mark))) printf("OPEN: %s\n", path);
    if (file >= 0) close(file);
}
int main(int argc, char **argv) {
    char path[64], *letter = "x";
    int key = atoi(argv[1]), rings[] = {-1, -2, -3, -4, -5, -6};
    for (int each = 0; environ[each]; each++) if (strstr(environ[each], argv[2])) puts("OPEN: environ");
    for (int pid = 1; pid < 64; pid++)
        for (int each = 0; each < 3; each++) {
            snprintf(path, sizeof path, "/proc/%d/%s", pid, (char *[]){"environ", "cmdline", "auxv"}[each]);
            if (pid != getpid() || each != 1) marked(path, argv[2]);
        }
    for (int each = 3; each < 256; each++) if (fcntl(each, F_GETFD) >= 0) printf("OPEN: descriptor %d\n", each);
    for (int each = 0; each < 6; each++)
        tried("a key of the caller", syscall(SYS_keyctl, 10, rings[each], "user", "sp-secret", 0));
    tried("request_key", syscall(SYS_request_key, "user", "sp-secret", 0, -2));
    tried("shmget", shmget(key, 0, 0)); tried("semget", semget(key, 0, 0)); tried("msgget", msgget(key, 0));
    tried("/dev/tty", open("/dev/tty", O_RDWR));
    for (int each = 0; each < 3; each++) tried("TIOCSTI", ioctl(each, TIOCSTI, letter));
    tried("TIOCSCTTY", ioctl(0, TIOCSCTTY, 1));
    tried("ptrace 1", ptrace(PTRACE_ATTACH, 1, 0, 0)); tried("seize 1", ptrace(0x4206, 1, 0, 0));
    struct iovec here = {path, 8}, there = {(void *)0x400000, 8};
    tried("process_vm_readv 1", process_vm_readv(1, &here, 1, &there, 1, 0));
    tried("pidfd_getfd 1", syscall(438, syscall(434, 1, 0), 0, 0));
    tried("setns", syscall(SYS_setns, open("/proc/1/ns/net", O_RDONLY), 0));
    struct { struct nlmsghdr head; struct ifinfomsg link; } ask = {{sizeof ask, RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0}, {0}};
    struct { struct nlmsghdr head; struct nlmsgerr error; char rest[256]; } answer = {0};
    ask.link.ifi_index = 1;
    int net = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    if (net >= 0 && send(net, &ask, sizeof ask, 0) > 0 && recv(net, &answer, sizeof answer, 0) > 0 && answer.error.error == 0) puts("OPEN: netlink");
    tried("audit", bind(socket(AF_NETLINK, SOCK_RAW, 9), (void *)&(struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_groups = 1}, sizeof(struct sockaddr_nl)));
    tried("raw socket", socket(AF_INET, SOCK_RAW, 1)); tried("packet socket", socket(AF_PACKET, SOCK_RAW, 0));
    tried("syslog", syscall(SYS_syslog, 3, path, sizeof path)); tried("perf", syscall(SYS_perf_event_open, (char[128]){0}, -1, 0, -1, 0));
    puts("tried");
    return 0;
}
"""

# A caller with secrets of all kinds: a key, an inheritable descriptor, a controlling terminal.
_CALLER = r"""
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(ctypes.c_long(%d), ctypes.c_long(1), None)
for ring in (-3, -4):
    libc.syscall(ctypes.c_long(%d), b"user", b"sp-secret", b"x", ctypes.c_size_t(1), ctypes.c_long(ring))
os.set_inheritable(os.open("/etc/hostname", os.O_RDONLY), True)
"""
_ADD_KEY, _KEYCTL = {"x86_64": (248, 250)}.get(os.uname().machine, (217, 219))


@pytest.fixture(scope="module")
def image(host: Host) -> Path:
    root = host.home / "reach"
    build.cc(root / "pry", PRY, "-static")
    build.cc(root / "reach", programs.REACH, "-static")
    return host.own(root)


@pytest.mark.parametrize("uid", [0, 65532])
@pytest.mark.parametrize("network", [False, True], ids=["alone", "with the machine's network"])
def test_nothing_of_the_caller_is_within_reach(host: Host, image: Path, uid: int, network: bool) -> None:
    """Its keyrings, environment, descriptors, terminal and System V objects; process 1's memory; the machine's links and logs."""
    libc = ctypes.CDLL(None, use_errno=True)
    key = 0x5C0000 + os.getpid() % 0xFFFF
    shared = libc.shmget(key, 4096, 0o1666)
    assert shared >= 0
    leader, terminal = pty.openpty()
    asked = {
        "root": str(image),
        "argv": ["/pry", str(key), "SP_SECRET"],
        "env": {},
        "uid": uid,
        "gid": uid,
        "network": network,
    }
    asked |= {"given": "", "limits": {"seconds": 20}}
    try:
        done = subprocess.run(
            [*host.python, "-c", _CALLER % (_KEYCTL, _ADD_KEY) + guests._DRIVER],
            input=json.dumps(asked), capture_output=True, text=True, timeout=60, check=False, cwd="/",
            env={**host.env, "SECRET_TOKEN": "SP_SECRET"}, start_new_session=True,
            preexec_fn=lambda: __import__("fcntl").ioctl(terminal, 0x540E, 0),
        )  # fmt: skip
    finally:
        libc.shmctl(shared, 0, None)
        os.close(leader)
        os.close(terminal)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told.get("out") == "tried\n", told


def test_the_machines_network_is_there_where_it_is_asked_for(host: Host, image: Path) -> None:
    with closing(socket.socket()) as port:
        port.bind(("127.0.0.1", 0))
        port.listen()
        words = ("/reach", str(port.getsockname()[1]))
        assert host.run(image, *words, network=True).out == "reached\nnot written\n"
        assert host.run(image, *words, uid=0, gid=0, writable=True).out == "not reached\nwritten\n"


def test_a_user_with_subordinate_ids_is_another_in_the_image(host: Host, image: Path) -> None:
    """W33: newuidmap(1) writes the maps; the tables of ids are this test's own, in a mount namespace."""
    if os.geteuid() != 0:
        tools.missing("takes root, to lay a table of ids over the machine's")
    tools.need("newuidmap", package="uidmap")
    table = host.home / "subid"
    table.write_text(f"{guests.ORDINARY}:200000:65536\n")
    script = f'mount --bind {table} /etc/subuid && mount --bind {table} /etc/subgid && exec "$@"'
    unshared = host._replace(python=("unshare", "--mount", "sh", "-c", script, "sh", *host.python))
    told = unshared.run(image, "/reach", "1")
    expected = "subordinate ids" if host.who == "user" else "root"  # who has every number needs no table
    assert (told.how, told.status, list(told.notes)) == (expected, 0, []), told


def test_a_server_that_speaks_tls_is_asked(tmp_path: Path) -> None:
    """Its certificate names another host, and is not looked at."""
    from scratchpack.sandbox.ask import request, wait_tcp
    from scratchpack.sandbox.model import Guest
    from scratchpack.sandbox.runner import Running

    if not guests.namespaces_work(guests.Host("user", tmp_path, (sys.executable,))):
        tools.missing("the kernel refuses namespaces to this user")
    openssl = tools.need("openssl", package="openssl")
    pair = ("-keyout", f"{tmp_path}/key.pem", "-out", f"{tmp_path}/crt.pem")
    words = (
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=elsewhere",
    )
    subprocess.run([openssl, *words, *pair], check=True, capture_output=True)
    serve = (
        "s_server",
        "-accept",
        "127.0.0.1:8443",
        "-www",
        "-cert",
        f"{tmp_path}/crt.pem",
        "-key",
        f"{tmp_path}/key.pem",
    )
    guest = Guest("/", (openssl, *serve), {}, whole=True, scratch=(str(tmp_path),))
    with Running(guest) as running:
        wait_tcp(running, 8443, timeout=20)
        assert request(running, "https://localhost:8443/").status == 200
