"""The program that builds a sandbox, as its runner has it: a guest's wishes in, its pipes and the words spoken with it out.

It is another program (:mod:`scratchpack.sandbox.child`), so that nothing is forked from a process with threads; the two
speak over a socket pair, in lines of JSON. Whatever becomes of us, the guest ends with that socket.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import signal
import socket
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

from scratchpack.sandbox import ids
from scratchpack.sandbox.model import ROOT_CAPABILITIES, SandboxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scratchpack.sandbox.model import Guest, Isolation
    from scratchpack.sandbox.trace import Trace

_PROGRAM = "import os, sys; sys.path.append(os.environ['SCRATCHPACK_HOME']); from scratchpack.sandbox.child import main; main()"
_HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_TRACE = 4  # where it, or strace, finds the file that takes the trace
_BUILD = 20.0  # seconds for the sandbox to be built


class Helper:
    """One helper. Its guest's stdin, stdout and stderr are for the runner to use and to close."""

    def __init__(self, guest: Guest, isolation: Isolation, *, trace: str, names: bool) -> None:
        """Start it; :meth:`build` is next."""
        self._guest, self._tracer, self._names = guest, trace, names
        self.isolation = isolation
        self._mark = f"/{os.urandom(16).hex()}" if trace == "strace" else ""
        self._traced = tempfile.TemporaryFile() if trace else None  # noqa: SIM115 - lives as long as we
        self._buffer = b""
        self.control, theirs = socket.socketpair()
        (stdin_end, self.stdin), (self.out, out_end), (self.err, err_end) = (os.pipe() for _ in range(3))
        handed = [stdin_end, out_end, err_end, theirs.fileno(), *([self._traced.fileno()] if self._traced else [])]
        high = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 10) for each in handed]
        words = [sys.executable, "-I", "-S", "-B", "-c", _PROGRAM]
        if trace == "strace":
            from scratchpack.sandbox import strace

            words = [*strace.words(f"/proc/self/fd/{_TRACE}", every=names), *words]
        try:
            self._pid = os.posix_spawnp(
                words[0],
                words,
                {**os.environ, "SCRATCHPACK_HOME": _HOME},  # the guest can read process 1's words, not its environment
                file_actions=[(os.POSIX_SPAWN_DUP2, descriptor, place) for place, descriptor in enumerate(high)],
                setsigmask=(),
                setpgroup=0,
            )
        finally:
            for descriptor in (*high, stdin_end, out_end, err_end):
                os.close(descriptor)
            theirs.close()

    def build(self) -> None:
        """Until the program has started.

        Raises:
            SandboxError: the sandbox cannot be built here, or the program not be started in it.
        """
        try:
            self.control.settimeout(_BUILD)
            self._handshake()
            self.control.settimeout(None)
        except BaseException:
            for descriptor in (self.stdin, self.out, self.err):
                os.close(descriptor)
            self.end()
            raise

    def _handshake(self) -> None:
        self.send(self._wishes())
        message = self._next()
        if message[:1] == ["unshared"]:
            ids.install(message[1], self.isolation)
            self.send("mapped")
            message = self._next()
        if message[:1] != ["started"]:
            raise self._error(message)
        self.isolation = self.isolation._replace(notes=(*self.isolation.notes, *message[1]))

    def _wishes(self) -> dict[str, Any]:
        guest = self._guest
        one = self.isolation.how == "one id"
        resolv_conf = "# no network\n"
        if guest.network:
            with contextlib.suppress(OSError), open("/etc/resolv.conf", encoding="utf-8", errors="replace") as stream:
                resolv_conf = stream.read(1 << 16)
        return {
            **guest._asdict(),
            "root": os.path.abspath(guest.root),
            "over": os.path.abspath(guest.over) if guest.over else "",
            "env": dict(guest.env),
            "limits": guest.limits._asdict(),
            "capabilities": ROOT_CAPABILITIES if guest.uid == 0 and not one else (),
            "set_groups": not one,
            "resolv_conf": resolv_conf,
            "filter": self._filter(),
            "mark": self._mark,
            "names": self._names,
        }

    def _filter(self) -> str:
        if self._tracer != "ptrace":
            return ""
        from scratchpack.sandbox import filter as calls

        return (calls.every_call() if self._names else calls.file_calls()).hex()

    def _error(self, message: Sequence[Any]) -> SandboxError:
        if len(message) != 4 or message[0] != "refused":
            return SandboxError("cannot build the sandbox: it ended before the program started")
        _, step, number, text = message
        if step == "start":
            return SandboxError(f"cannot start {text}", hint="look at the entrypoint, and at what it is interpreted by")
        hint = ids.why_namespaces_are_refused() if number in {1, 13, 28} else None
        return SandboxError(f"cannot build the sandbox ({step}): {text.removeprefix(': ')}", hint=hint)

    def send(self, *message: Any) -> None:
        """One message; one that is gone is noticed where we read."""
        with contextlib.suppress(OSError):
            self.control.sendall(json.dumps(message).encode() + b"\n")

    def _next(self) -> list[Any]:
        """One message while the sandbox is built; empty when it is gone."""
        while b"\n" not in self._buffer:
            try:
                piece = self.control.recv(1 << 16)
            except TimeoutError:
                raise SandboxError(f"cannot build the sandbox: not done after {_BUILD:g} s") from None
            except OSError:
                piece = b""
            if not piece:
                return []
            self._buffer += piece
        return self._line()

    def _line(self) -> list[Any]:
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: list[Any] = json.loads(line)
        return message

    def messages(self) -> tuple[list[list[Any]], list[socket.socket], bool]:
        """What has come, with the sockets that travelled with it, and whether more can: at the end False, with what came before."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.control, 1 << 16, 4)
        except OSError:
            data, descriptors = b"", []
        self._buffer += data
        found = []
        while b"\n" in self._buffer:
            found.append(self._line())
        return found, [socket.socket(fileno=descriptor) for descriptor in descriptors], bool(data)

    def let_go(self) -> None:
        """Close our side: process 1 ends, and the kernel ends all the others."""
        with contextlib.suppress(OSError):
            self.control.shutdown(socket.SHUT_WR)

    def trace(self) -> Trace:
        """What the guest touched; once all has ended."""
        from scratchpack.sandbox import strace, trace

        if self._traced is None:
            raise ValueError("nothing was traced")
        self._traced.seek(0)
        text = io.TextIOWrapper(self._traced, "utf-8", "surrogateescape", newline="\n")
        if self._tracer == "strace":
            return strace.read(text, mark=self._mark, names=self._names)
        return trace.read_lines(text, origin="of our own tracer")

    def end(self) -> None:
        """Collect the helper; where it does not end by itself, kill it, and with it process 1 (PDEATHSIG)."""
        if self._pid:
            with contextlib.suppress(OSError):
                self.control.shutdown(socket.SHUT_RDWR)
            for wait in (0.002, 0.01, 0.05, 0.2, 0.5, 1.0, None):
                if os.waitpid(self._pid, os.WNOHANG)[0]:
                    break
                if wait is None:
                    os.kill(self._pid, signal.SIGKILL)
                    os.waitpid(self._pid, 0)
                else:
                    time.sleep(wait)
            self._pid = 0
            self.control.close()
