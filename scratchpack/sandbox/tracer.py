"""Our own tracer: a guest's first process in, the :class:`~scratchpack.sandbox.trace.Trace` of all its processes out.

Runs in the helper outside the guest's process namespace (:mod:`scratchpack.sandbox.child`), single-threaded. The guest
stops where its seccomp program says, so a program that computes runs at full speed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple
from scratchpack.sandbox import numbers, ptrace
from scratchpack.sandbox.trace import CALLS, Collector, absolute

if TYPE_CHECKING:
    from scratchpack.sandbox.trace import Call

_WALL = 0x40000000
_AT_FDCWD = -100
_STOPPING = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_BORN = (ptrace.FORK, ptrace.VFORK, ptrace.CLONE)


class _Pending(NamedTuple):
    """A call whose result is awaited."""

    call: Call
    path: str
    flags: int


def follow(meeting: socket.socket, output: int, *, names: bool) -> None:
    """Trace the process that waits at ``meeting`` until no traced process is left; write the trace's lines to ``output``.

    With ``names`` the filter stops at every call, and the names of all are kept.
    """
    tracer = _Tracer(names)
    _, ancillary, _, _ = meeting.recvmsg(1, socket.CMSG_SPACE(12))
    pid = struct.unpack("3i", ancillary[0][2])[0] if ancillary else 0  # translated into our namespace by the kernel
    try:
        ptrace.seize(pid)
    except OSError as error:
        tracer.collector.remark(f"nothing was traced: {error}")
    with contextlib.suppress(OSError), meeting:  # the sandbox was not built, and nobody waits
        meeting.sendall(b"g")
    tracer.loop(pid)
    with open(output, "w", encoding="utf-8") as stream:
        stream.writelines(line + "\n" for line in tracer.collector.trace().lines())


class _Tracer:
    def __init__(self, names: bool) -> None:
        self.collector = Collector()
        self._names = names
        self._program: dict[int, str] = {}  # of a thread; absent: the image's program was not started yet
        self._pending: dict[int, _Pending] = {}
        self._known: set[int] = set()  # threads of which it is known whose children they are
        self._held: set[int] = set()  # stopped before that was known

    def loop(self, first: int) -> None:
        """Until no child and no traced process is left."""
        self._known.add(first)
        while True:
            try:
                pid, status = os.waitpid(-1, _WALL)
            except ChildProcessError:
                return
            if not os.WIFSTOPPED(status):
                self._program.pop(pid, None)
                self._pending.pop(pid, None)
                self._known.discard(pid)
                self._held.discard(pid)
                continue
            try:
                self._stopped(pid, os.WSTOPSIG(status), status >> 16)
            except ProcessLookupError:  # killed while it was stopped: its end comes as the next event
                continue

    def _stopped(self, pid: int, number: int, event: int) -> None:
        deliver = 0
        if event == ptrace.SECCOMP:
            self._enter(pid)
        elif event in _BORN:
            born = ptrace.event_message(pid)
            self._known.add(born)
            if pid in self._program:
                self._program[born] = self._program[pid]
            if born in self._held:
                self._held.discard(born)
                ptrace.resume(born, ptrace.CONT)
        elif event == ptrace.EXEC:
            former = ptrace.event_message(pid)
            if former != pid and former in self._pending:  # a thread became the whole process
                self._pending[pid] = self._pending.pop(former)
        elif event == ptrace.STOP and pid not in self._known:
            self._held.add(pid)
            return
        elif event == ptrace.STOP:
            if number in _STOPPING:
                ptrace.resume(pid, ptrace.LISTEN)
                return
        elif number == signal.SIGTRAP | 0x80:
            self._leave(pid)
        else:
            deliver = number
        ptrace.resume(pid, ptrace.SYSCALL if pid in self._pending else ptrace.CONT, deliver)

    def _enter(self, pid: int) -> None:
        info = ptrace.info(pid)
        name = numbers.names(info.architecture).get(info.number & 0xFFFFFFFF)
        if name is None:
            return
        if self._names and pid in self._program:
            self.collector.called(name)
        call = CALLS.get(name)
        if call is None or (name == "mmap" and info.architecture == numbers.AUDIT_I386):
            return
        if call.what == "ring":
            ptrace.refuse(pid)
            if pid in self._program:
                self.collector.remark(ring_remark(self._program[pid]))
            return
        path = self._path(pid, call, info)
        if path is None:
            return
        flags = 0
        if call.flags is not None:
            flags = info.args[call.flags] & 0xFFFFFFFF
        elif name == "openat2":
            flags = int.from_bytes(ptrace.memory(pid, info.args[2], 8), "little")
        self._pending[pid] = _Pending(call, path, flags)

    def _path(self, pid: int, call: Call, info: ptrace.Info) -> str | None:
        directory = ""
        number = _AT_FDCWD
        if call.directory is not None:
            number = (
                info.args[call.directory] & 0xFFFFFFFF ^ 0x80000000
            ) - 0x80000000  # as the kernel reads it: an int
        if call.path is None:
            return absolute(_link(f"/proc/{pid}/fd/{number}"), "") if number >= 0 else None
        mask = 0xFFFFFFFF if info.architecture == numbers.AUDIT_I386 else 0xFFFFFFFFFFFFFFFF
        path = ptrace.text(pid, info.args[call.path] & mask)
        if not path:  # the descriptor itself is meant (AT_EMPTY_PATH), or no path at all
            return None
        if not path.startswith("/"):
            directory = _link(f"/proc/{pid}/cwd" if number == _AT_FDCWD else f"/proc/{pid}/fd/{number}")
        return absolute(path, directory)

    def _leave(self, pid: int) -> None:
        pending = self._pending.pop(pid, None)
        if pending is None:
            return
        info = ptrace.info(pid)
        started = pending.call.what == "execute" and info.result >= 0
        if pid in self._program or started:
            self.collector.note(pending.call, pending.path, pending.flags, info.result, self._program.get(pid, ""))
        if started:
            self._program[pid] = pending.path


def ring_remark(program: str) -> str:
    """The note of a trace on a program that asks for io_uring (W32)."""
    return f"{program} asked for io_uring, which no tracer sees into: it was answered that there is none (ENOSYS)"


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
