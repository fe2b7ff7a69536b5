"""``--seccomp``: the system calls of a run in, a profile that docker, podman and containerd take out (W35).

Default is a refusal with EPERM; nothing here enforces it. It is not logged: that takes a flag of the filter
(SECCOMP_FILTER_FLAG_LOG), and runc 1.1 refuses a profile that has one. What an engine itself calls between putting the profile on
and starting the program stands in it as well: runc applies a profile before the last steps of the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

# runc and crun between seccomp(2) and the program's first instruction: their own process and Go's runtime in it.
_ENGINES = """
access arch_prctl brk capget capset chdir clone clone3 close close_range dup2 dup3 epoll_create1 epoll_ctl epoll_pwait
execve exit exit_group faccessat faccessat2 fchdir fchown fcntl fstat fstatfs futex getcwd getdents64 getegid geteuid getgid
getpid getppid getrandom gettid getuid ioctl lseek madvise mmap mprotect munmap nanosleep newfstatat openat openat2 pipe2
prctl pread64 prlimit64 read readlinkat restart_syscall rseq rt_sigaction rt_sigprocmask rt_sigreturn sched_getaffinity
sched_yield sendto set_robust_list set_tid_address setgid setgroups setresgid setresuid setsid setuid sigaltstack
socketpair statx tgkill umask uname wait4 write
"""
_MACHINES = {
    "x86_64": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    "aarch64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
}
_EPERM = 1


def profile(syscalls: Iterable[str], machine: str = "") -> dict[str, Any]:
    """The profile as engines' JSON; ``machine`` as uname has it, this one's without it."""
    import os

    names = sorted({*syscalls, *_ENGINES.split()})
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": _EPERM,
        "architectures": _MACHINES.get(machine or os.uname().machine, []),
        "syscalls": [{"names": names, "action": "SCMP_ACT_ALLOW"}],
    }
