"""ptrace(2) through ctypes: process ids go in, stops and bytes of memory come out. Raises :class:`OSError` with the kernel's errno."""

from __future__ import annotations

import ctypes
import os
import struct

from scratchpack.record import NamedTuple

FORK, VFORK, CLONE, EXEC, SECCOMP, STOP = 1, 2, 3, 4, 7, 128  # events
CONT, SYSCALL, LISTEN = 7, 24, 0x4208
ENTRY, EXIT, AT_SECCOMP = 1, 2, 3  # what a stop is, as PTRACE_GET_SYSCALL_INFO says
_SEIZE, _GETEVENTMSG, _GET_SYSCALL_INFO, _POKEUSER = 0x4206, 0x4201, 0x420E, 6
_ORIG_RAX = 15 * 8  # in x86-64's struct user
_TRACE_ALL = 1 | sum(1 << event for event in (FORK, VFORK, CLONE, EXEC, SECCOMP)) | 1 << 20  # SYSGOOD, EXITKILL
_PAGE = 4096
_PATH_MAX = 4096

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.process_vm_readv.restype = ctypes.c_ssize_t
_info = ctypes.create_string_buffer(88)
_buffer = ctypes.create_string_buffer(_PAGE)


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class Info(NamedTuple):
    """A stop in a system call."""

    stop: int  # ENTRY, EXIT or AT_SECCOMP
    architecture: int  # AUDIT_ARCH_*: a 32-bit call of a 64-bit program says so
    number: int
    args: tuple[int, ...]
    result: int  # at EXIT; negative for an error


def _call(request: int, pid: int, address: int = 0, data: int = 0) -> int:
    result = int(_libc.ptrace(request, pid, address, data))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"ptrace {request:#x}")
    return result


def seize(pid: int) -> None:
    """Trace a process and all that come of it; they end when we do."""
    _call(_SEIZE, pid, 0, _TRACE_ALL)


def resume(pid: int, how: int, signal: int = 0) -> None:
    """Let a stopped thread go on; one that was killed meanwhile is no error."""
    try:
        _call(how, pid, 0, signal)
    except ProcessLookupError:
        return


def event_message(pid: int) -> int:
    """The new process of a fork, the former thread of an exec."""
    value = ctypes.c_ulong()
    _call(_GETEVENTMSG, pid, 0, ctypes.addressof(value))
    return value.value


def info(pid: int) -> Info:
    """What call a thread is in."""
    _call(_GET_SYSCALL_INFO, pid, ctypes.sizeof(_info), ctypes.addressof(_info))
    stop, architecture = struct.unpack_from("=B3xI", _info)
    if stop == EXIT:
        return Info(stop, architecture, -1, (), struct.unpack_from("=q", _info, 24)[0])
    number, *args = struct.unpack_from("=7Q", _info, 24)
    return Info(stop, architecture, number, tuple(args), 0)


def refuse(pid: int) -> None:
    """At a seccomp stop on x86-64: no call is made, and the program gets ENOSYS."""
    _call(_POKEUSER, pid, _ORIG_RAX, -1 & 0xFFFFFFFFFFFFFFFF)


def memory(pid: int, address: int, size: int) -> bytes:
    """Up to ``size`` bytes of a process's memory, not past the end of a page; empty where there is none."""
    size = min(size, _PAGE - address % _PAGE)
    local, remote = _Vector(ctypes.addressof(_buffer), size), _Vector(address, size)
    count = _libc.process_vm_readv(
        pid, ctypes.byref(local), ctypes.c_ulong(1), ctypes.byref(remote), ctypes.c_ulong(1), ctypes.c_ulong(0)
    )
    return _buffer.raw[:count] if count > 0 else b""


def text(pid: int, address: int) -> str | None:
    """A path in a process's memory; ``None`` where no path stands."""
    if not address:
        return None
    found = b""
    while len(found) <= _PATH_MAX:
        piece = memory(pid, address + len(found), _PAGE)
        head, end, _ = piece.partition(b"\0")
        found += head
        if end:
            return os.fsdecode(found)
        if not piece:
            return None
    return None
