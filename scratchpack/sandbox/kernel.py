"""The system calls that Python has no name for, through ctypes: the sandbox's one door to them.

Every function raises :class:`OSError` with the kernel's errno. The numbers from 424 on are the same on every machine
that this runs on; the few older ones are in a table by machine.
"""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 0x1, 0x2, 0x4, 0x8, 0x4000, 0x40000
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV, ATTR_NOEXEC = 0x1, 0x2, 0x4, 0x8

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 1, 4, 24, 38, 47
_PR_CAP_AMBIENT_CLEAR_ALL, _PR_SET_SECCOMP = 4, 22
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE, _O_CLOEXEC = 1, os.O_CLOEXEC
_MOVE_MOUNT_F_EMPTY_PATH, _MOVE_MOUNT_T_EMPTY_PATH = 0x4, 0x40
_FSCONFIG_SET_FLAG, _FSCONFIG_SET_STRING, _FSCONFIG_CMD_CREATE = 0, 1, 6
_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT, _CLOSE_RANGE, _MOUNT_SETATTR = 428, 429, 430, 431, 432, 436, 442
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446
_LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET, _LANDLOCK_SCOPE_SIGNAL = 1, 2
_MNT_DETACH = 2
_KEYCTL_JOIN_SESSION_KEYRING = 1
_NUMBERS = {  # pivot_root and keyctl
    "x86_64": (155, 250),
    "aarch64": (41, 219),
    "riscv64": (41, 219),
    "ppc64le": (203, 271),
    "s390x": (217, 280),
}

CAPABILITIES = {
    name: number
    for number, name in enumerate(
        [
            "CHOWN",
            "DAC_OVERRIDE",
            "DAC_READ_SEARCH",
            "FOWNER",
            "FSETID",
            "KILL",
            "SETGID",
            "SETUID",
            "SETPCAP",
            "LINUX_IMMUTABLE",
            "NET_BIND_SERVICE",
            "NET_BROADCAST",
            "NET_ADMIN",
            "NET_RAW",
            "IPC_LOCK",
            "IPC_OWNER",
            "SYS_MODULE",
            "SYS_RAWIO",
            "SYS_CHROOT",
            "SYS_PTRACE",
            "SYS_PACCT",
            "SYS_ADMIN",
            "SYS_BOOT",
            "SYS_NICE",
            "SYS_RESOURCE",
            "SYS_TIME",
            "SYS_TTY_CONFIG",
            "MKNOD",
            "LEASE",
            "AUDIT_WRITE",
            "AUDIT_CONTROL",
            "SETFCAP",
            "MAC_OVERRIDE",
            "MAC_ADMIN",
            "SYSLOG",
            "WAKE_ALARM",
            "BLOCK_SUSPEND",
            "AUDIT_READ",
            "PERFMON",
            "BPF",
            "CHECKPOINT_RESTORE",
        ]
    )
}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def _held(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def _syscall(what: str, number: int, *words: object) -> int:
    plain = [ctypes.c_long(word) if isinstance(word, int) else word for word in words]
    return _held(int(_libc.syscall(ctypes.c_long(number), *plain)), what)


def _number(which: int) -> int:
    machine = os.uname().machine
    if machine not in _NUMBERS:
        raise OSError(38, f"no sandbox on {machine}")
    return _NUMBERS[machine][which]


def unshare(flags: int) -> None:
    """Leave the namespaces in ``flags`` for new ones."""
    _held(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """Mount a file system, or change what is mounted."""
    words = [os.fsencode(word) for word in (source, target, kind)]
    _held(_libc.mount(*words, ctypes.c_ulong(flags), os.fsencode(data)), f"mount {kind or source} on {target}")


def pivot_to(directory: str) -> None:
    """Make a mount point the root, and let go of everything that was mounted before.

    The old root is stacked on the new one (runc's way), so no directory is needed to hold it.
    """
    os.chdir(directory)
    _syscall("pivot_root", _number(0), b".", b".")
    _held(_libc.umount2(b".", _MNT_DETACH), "umount2 of the old root")
    os.chdir("/")


def open_tree(path: str, *, recursive: bool = False) -> int:
    """A detached copy of what is mounted at a path, below it too where ``recursive``; not following a last link."""
    flags = _OPEN_TREE_CLONE | _O_CLOEXEC | 0x100 | (_AT_RECURSIVE if recursive else 0)
    return _syscall(f"open_tree {path}", _OPEN_TREE, _AT_FDCWD, os.fsencode(path), flags)


def new_mount(kind: str, attributes: int, **options: str) -> int:
    """A detached new file system; an option without a value is a flag."""
    context = _syscall(f"fsopen {kind}", _FSOPEN, kind.encode(), 1)
    try:
        for key, value in options.items():
            name = key.encode()
            if value:
                _syscall(f"{kind} {key}", _FSCONFIG, context, _FSCONFIG_SET_STRING, name, value.encode(), 0)
            else:
                _syscall(f"{kind} {key}", _FSCONFIG, context, _FSCONFIG_SET_FLAG, name, None, 0)
        _syscall(f"create {kind}", _FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0)
        return _syscall(f"fsmount {kind}", _FSMOUNT, context, 1, attributes)
    finally:
        os.close(context)


def move_mount(mount_fd: int, target_fd: int) -> None:
    """Put a detached mount onto an open directory or file: no path is resolved."""
    flags = _MOVE_MOUNT_F_EMPTY_PATH | _MOVE_MOUNT_T_EMPTY_PATH
    _syscall("move_mount", _MOVE_MOUNT, mount_fd, b"", target_fd, b"", flags)


def set_mount(descriptor: int, attributes: int, *, recursive: bool = False) -> None:
    """Add attributes (read-only…) to a mount, and to those below it where ``recursive``."""
    what = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    flags = _AT_EMPTY_PATH | (_AT_RECURSIVE if recursive else 0)
    _syscall("mount_setattr", _MOUNT_SETATTR, descriptor, b"", flags, ctypes.byref(what), ctypes.sizeof(what))


def close_from(first: int) -> None:
    """Close every descriptor from ``first`` on."""
    _syscall("close_range", _CLOSE_RANGE, first, 0xFFFFFFFF, 0)


def die_with_parent() -> None:
    """Get SIGKILL when the parent ends."""
    _held(_libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(9), 0, 0, 0), "prctl PDEATHSIG")


def set_dumpable(dumpable: bool) -> None:
    """Whether processes of the same user may look into this one through /proc and ptrace."""
    _held(_libc.prctl(_PR_SET_DUMPABLE, ctypes.c_ulong(dumpable), 0, 0, 0), "prctl DUMPABLE")


def no_new_privileges() -> None:
    """No setuid program and no file capability gives anything from here on."""
    _held(_libc.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0), "prctl NO_NEW_PRIVS")


def bound_capabilities(kept: int) -> None:
    """Drop every capability outside the bit set ``kept`` from the bounding set, and all ambient ones."""
    for number in range(64):
        if not kept >> number & 1 and _libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(number), 0, 0, 0) < 0:
            if ctypes.get_errno() == 22:  # past the last one that this kernel knows
                break
            _held(-1, "prctl CAPBSET_DROP")
    _held(_libc.prctl(_PR_CAP_AMBIENT, ctypes.c_ulong(_PR_CAP_AMBIENT_CLEAR_ALL), 0, 0, 0), "prctl CAP_AMBIENT")


def set_capabilities(kept: int) -> None:
    """Make the bit set ``kept`` the effective and permitted capabilities; nothing is inheritable."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    low, high = kept & 0xFFFFFFFF, kept >> 32
    data = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
    _held(_libc.capset(ctypes.byref(header), ctypes.byref(data)), "capset")


def leave_keyring() -> None:
    """Start an empty session keyring: the one of who started us may hold keys."""
    try:
        _syscall("keyctl", _number(1), _KEYCTL_JOIN_SESSION_KEYRING, None)
    except OSError as error:
        if error.errno not in {38, 1, 13}:  # no keyrings in this kernel, or none for us
            raise


def scope_to_descendants() -> bool:
    """No abstract unix socket and no signal of processes outside (Landlock, Linux 6.12); whether the kernel can."""
    attributes = (ctypes.c_uint64 * 3)(0, 0, _LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | _LANDLOCK_SCOPE_SIGNAL)
    try:
        rules = _syscall("landlock", _LANDLOCK_CREATE, ctypes.byref(attributes), ctypes.sizeof(attributes), 0)
    except OSError:
        return False
    try:
        _syscall("landlock", _LANDLOCK_RESTRICT, rules, 0)
    finally:
        os.close(rules)
    return True


def install_filter(program: bytes) -> None:
    """Put a seccomp program on this process and all that come of it; it takes no_new_privileges."""
    buffer = ctypes.create_string_buffer(program, len(program))
    head = (ctypes.c_uint64 * 2)(len(program) // 8, ctypes.addressof(buffer))  # struct sock_fprog, with its padding
    _held(_libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(2), ctypes.byref(head), 0, 0), "prctl SECCOMP")
