"""The program that builds the sandbox: started by :mod:`scratchpack.sandbox.runner`, with a socket as descriptor 3.

It enters new namespaces and forks their first process (process 1 in there), which builds the root, forks the guest,
watches it, reaps what is orphaned, and serves the runner's wishes. When process 1 ends, the kernel ends all the others;
it ends when the guest does, when a limit is passed, and when the runner is gone, however that went. Imports stay few:
this is started for every run, and after the root has changed nothing more can be imported.
"""

from __future__ import annotations

import array  # noqa: F401 - socket.send_fds imports it, when it is too late
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import time
from contextlib import suppress
from typing import Any

from scratchpack.sandbox import guest as program
from scratchpack.sandbox import kernel, mounts, seal, watch

CONTROL, TRACE = 3, 4
_TICK = 0.01  # seconds between two looks at what the guest uses
_FLOOR = 16  # the machine keeps a sixteenth of its memory


class Channel:
    """Lines of JSON over the socket; a descriptor may travel with one."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = b""

    def fileno(self) -> int:
        """For poll(2)."""
        return self._socket.fileno()

    def send(self, *message: Any, descriptor: int | None = None) -> None:
        """One message; a runner that is gone is noticed where we read."""
        data = json.dumps(message).encode() + b"\n"
        try:
            if descriptor is not None:
                socket.send_fds(self._socket, [data], [descriptor])
            else:
                self._socket.sendall(data)
        except OSError:
            return

    def receive(self) -> list[Any] | None:
        """The next message; None at the end."""
        while b"\n" not in self._buffer:
            try:
                piece = self._socket.recv(1 << 16)
            except OSError:
                piece = b""
            if not piece:
                return None
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: list[Any] = json.loads(line)
        return message

    def waiting(self) -> bool:
        """Whether a whole message was read already."""
        return b"\n" in self._buffer


def main() -> None:
    """Descriptors 0 to 2 are the guest's; 3 is the runner; 4 takes the lines of our own tracer, where it is asked for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a person's Ctrl-C is the runner's to answer
    os.set_inheritable(CONTROL, False)
    channel = Channel(socket.socket(fileno=CONTROL))
    asked = channel.receive()
    if asked is None:
        return
    guest: dict[str, Any] = asked[0]
    kernel.close_from(TRACE + 1 if guest["filter"] else TRACE)
    meeting = guest_end = None
    if guest["filter"]:
        meeting, guest_end = socket.socketpair()
        meeting.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    try:
        kernel.unshare(kernel.CLONE_NEWUSER)
        channel.send("unshared", os.getpid())
        if channel.receive() is None:
            return
        flags = kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS | kernel.CLONE_NEWCGROUP
        kernel.unshare(flags if guest["network"] else flags | kernel.CLONE_NEWNET)
        first = os.fork()
    except OSError as error:
        _refused(channel, "namespaces", error)
        return
    if first == 0:
        try:
            if meeting is not None:
                meeting.close()
                os.close(TRACE)
            _first(guest, channel, guest_end)
        except Exception as error:  # noqa: BLE001 - nobody reads a traceback of process 1
            _refused(channel, "process 1", OSError(errno.EIO, f"{type(error).__name__}: {error}"))
        finally:
            os._exit(0)
    for descriptor in range(4):  # the runner sees the end of the guest's output, and of process 1, by these
        os.close(descriptor)
    if meeting is not None and guest_end is not None:
        from scratchpack.sandbox import tracer

        guest_end.close()
        tracer.follow(meeting, TRACE, names=guest["names"])
    else:
        os.waitpid(first, 0)
    os._exit(0)


def _refused(channel: Channel, step: str, error: OSError) -> None:
    channel.send("refused", step, error.errno or errno.EIO, f"{error.filename or ''}: {error.strerror or error}")


def _first(guest: dict[str, Any], channel: Channel, meeting: socket.socket | None) -> None:
    """Process 1 of the sandbox."""
    kernel.die_with_parent()
    kernel.set_dumpable(False)  # /proc/1/exe, root and mem are this machine's Python: no one in here may open them
    step = "mounts"
    try:
        kernel.unshare(kernel.CLONE_NEWNS)
        notes = mounts.enter(guest, guest["resolv_conf"])
        step = "settings"
        socket.sethostname(guest["hostname"])
        if not guest["network"]:
            _loopback()
            _setting("net/ipv4/ip_unprivileged_port_start", "0")  # as docker: port 80 for any user
        _setting("user/max_user_namespaces", "0")  # no sandbox in the sandbox: it would have capabilities again
        seal.seal()
        step = "program"
        reading, writing = os.pipe()
        signal.signal(signal.SIGCHLD, lambda *_: None)
        woken, wake = socket.socketpair()
        woken.setblocking(False)
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        floor = watch.available() // _FLOOR
        child = os.fork()
    except OSError as error:
        _refused(channel, step, error)
        return
    if child == 0:
        signal.set_wakeup_fd(-1)
        program.become(guest, writing, meeting)
    os.close(writing)
    if meeting is not None:
        meeting.close()
    for descriptor in range(3):
        os.close(descriptor)
    with open(reading, "rb") as stream:
        why = stream.read()
    if why:
        number, _, text = why.decode("utf-8", "surrogateescape").partition(" ")
        channel.send("refused", "start", int(number), text)
        return
    channel.send("started", notes)
    _serve(guest, channel, child, woken, floor)


def _setting(name: str, value: str) -> None:
    try:
        with open(f"/proc/sys/{name}", "w") as stream:
            stream.write(value)
    except FileNotFoundError:
        return  # built into no kernel that lacks the feature


def _loopback() -> None:
    """Bring lo up: SIOCGIFFLAGS and SIOCSIFFLAGS of netdevice(7)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = fcntl.ioctl(handle, 0x8913, struct.pack("16sH14x", b"lo", 0))
        flags = struct.unpack("16sH14x", request)[1] | 1
        fcntl.ioctl(handle, 0x8914, struct.pack("16sH14x", b"lo", flags))


def _serve(guest: dict[str, Any], channel: Channel, child: int, woken: socket.socket, floor: int) -> None:
    """Until the guest ends, a limit is passed, or the runner is gone; process 1 then ends, and all with it."""
    limits = guest["limits"]
    _ahead_of_the_guest()
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    poll.register(woken, select.POLLIN)
    next_look = 0.0
    while True:
        status = _reap(child)
        if status is not None:
            channel.send("ended", status, None)
            return
        for descriptor, _ in poll.poll(_TICK * 1000):
            if descriptor == woken.fileno():
                woken.recv(4096)
                continue
            while True:
                message = channel.receive()
                if message is None:
                    return
                _answer(message, channel, child)
                if not channel.waiting():
                    break
        if (now := time.monotonic()) >= next_look:
            reason = watch.excess(limits["memory"], limits["processes"], floor)
            next_look = now + max(_TICK, 10 * (time.monotonic() - now))  # a tenth of one processor at most
            if reason is not None:
                channel.send("ended", -signal.SIGKILL, reason)
                return


def _ahead_of_the_guest() -> None:
    """Be run before the guest's processes: a bomb of root's, whom RLIMIT_NPROC does not hold, must not starve the watch.

    Only root may ask for it, and only root needs it.
    """
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))


def _reap(child: int) -> int | None:
    """Collect every process that ended; the guest's status once it did."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == child:
            found = os.waitstatus_to_exitcode(status)


def _answer(message: list[Any], channel: Channel, child: int) -> None:
    match message:
        case ["signal", number]:
            try:
                os.kill(child, number)
            except ProcessLookupError:
                return
        case ["socket", family]:
            with socket.socket(family, socket.SOCK_STREAM) as made:
                channel.send("socket", descriptor=made.fileno())
