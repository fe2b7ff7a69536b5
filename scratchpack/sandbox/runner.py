"""Start a guest and follow it: a :class:`Guest` in, its output as it comes, and how it ended.

The work is done by another program (:mod:`scratchpack.sandbox.child`), so that nothing is forked from a process with
threads; the two speak over a socket pair. Whatever becomes of us, the guest ends with that socket.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from scratchpack.sandbox import ids
from scratchpack.sandbox.model import ROOT_CAPABILITIES, Ended, SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from scratchpack.sandbox.model import Guest, Isolation
    from scratchpack.sandbox.trace import Trace

_PROGRAM = "import os, sys; sys.path.append(os.environ['SCRATCHPACK_HOME']); from scratchpack.sandbox.child import main; main()"
_HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_TRACE = 4  # where the helper, or strace, finds the file that takes the trace
_BUILD = 20.0  # seconds for the sandbox to be built
_GRACE = 10.0  # seconds between the stop signal and the end, as engines wait


def run(
    guest: Guest,
    *,
    given: bytes = b"",
    show: Callable[[str, bytes], None] | None = None,
    subordinate: bool = True,
) -> Ended:
    """Run a guest to its end; ``given`` is its stdin, ``show`` gets ("out" or "err", bytes) as they come.

    Raises:
        SandboxError: the sandbox cannot be built here, or the program not be started in it.
    """
    with Running(guest, given=given, show=show, subordinate=subordinate) as running:
        return running.wait()


def tracer() -> str:
    """The tracer that this machine has: "strace" where it is installed, else our own, "ptrace".

    Raises:
        SandboxError: neither works here.
    """
    import shutil

    if shutil.which("strace"):
        return "strace"
    if os.uname().machine == "x86_64":
        return "ptrace"
    raise SandboxError(f"cannot trace on {os.uname().machine} by ourselves", hint="install strace")


class Running:
    """A guest that runs. As a context manager: whatever is left of it is killed at the end."""

    def __init__(
        self,
        guest: Guest,
        *,
        given: bytes = b"",
        show: Callable[[str, bytes], None] | None = None,
        subordinate: bool = True,
        trace: str = "",
        names: bool = False,
    ) -> None:
        """Start it. ``trace`` is "", or as :func:`tracer` says; ``names`` keeps the name of every system call."""
        self._guest = guest
        self._tracer, self._names = trace, names
        self._mark = f"/{os.urandom(16).hex()}" if trace == "strace" else ""
        self._traced = tempfile.TemporaryFile() if trace else None  # noqa: SIM115 - lives as long as we
        self._show = show
        self._kept: dict[str, bytearray] = {"out": bytearray(), "err": bytearray()}
        self._lock = threading.Lock()
        self._end_message: list[Any] | None = None  # ["ended", status, reason], from process 1
        self._reason: str | None = None  # why we ended it
        self._sockets: list[socket.socket] = []
        self._news = threading.Condition(self._lock)
        self.isolation: Isolation = ids.isolation(guest, subordinate=subordinate)
        self._start(given)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    # Starting.

    def _start(self, given: bytes) -> None:
        ours, theirs = socket.socketpair()
        pipes = [os.pipe() for _ in range(3)]
        stdin, (out, out_end), (err, err_end) = pipes
        handed = [stdin[0], out_end, err_end, theirs.fileno(), *([self._traced.fileno()] if self._traced else [])]
        high = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 10) for each in handed]
        words = [sys.executable, "-I", "-S", "-B", "-c", _PROGRAM]
        if self._tracer == "strace":
            from scratchpack.sandbox import strace

            words = [*strace.words(f"/proc/self/fd/{_TRACE}", every=self._names), *words]
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
            for descriptor in (*high, stdin[0], out_end, err_end):
                os.close(descriptor)
            theirs.close()
        self._control = ours
        self._buffer = b""
        self._pump = threading.Thread(target=self._follow, args=(stdin[1], out, err, given), daemon=True)
        self._gone = threading.Event()
        try:
            ours.settimeout(_BUILD)
            self._handshake()
            ours.settimeout(None)
        except BaseException:
            for descriptor in (stdin[1], out, err):
                os.close(descriptor)
            self._gone.set()
            self._end()
            raise
        self.started = time.monotonic()
        self.deadline = self.started + self._guest.limits.seconds
        self._pump.start()

    def _handshake(self) -> None:
        self._send(self._wishes())
        message = self._next()
        if message[:1] == ["unshared"]:
            ids.install(message[1], self.isolation)
            self._send("mapped")
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

    def _send(self, *message: Any) -> None:
        with contextlib.suppress(OSError):
            self._control.sendall(json.dumps(message).encode() + b"\n")

    def _next(self) -> list[Any]:
        """One message while the sandbox is built; empty when it is gone."""
        while b"\n" not in self._buffer:
            try:
                piece = self._control.recv(1 << 16)
            except TimeoutError:
                raise SandboxError(f"cannot build the sandbox: not done after {_BUILD:g} s") from None
            except OSError:
                piece = b""
            if not piece:
                return []
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: list[Any] = json.loads(line)
        return message

    # Following: one thread reads all that comes, until the guest's pipes and the socket have ended.

    def _follow(self, stdin: int, out: int, err: int, given: bytes) -> None:
        names = {out: "out", err: "err"}
        with selectors.DefaultSelector() as selector:
            for descriptor in names:
                selector.register(descriptor, selectors.EVENT_READ)
            selector.register(self._control, selectors.EVENT_READ)
            pending = memoryview(given)
            os.set_blocking(stdin, False)
            if pending:
                selector.register(stdin, selectors.EVENT_WRITE)
            else:
                os.close(stdin)
            while selector.get_map():
                left = self.deadline - time.monotonic()
                events = selector.select(max(0.0, min(left, 1.0)) if self._reason is None else 1.0)
                if left <= 0 and self._reason is None:
                    self._finish("time")
                for key, _ in events:
                    if key.fd in names:
                        piece = self._read(key.fd)
                        if piece:
                            self._keep(names[key.fd], piece)
                            continue
                        selector.unregister(key.fd)
                        os.close(key.fd)
                    elif key.fd == stdin:
                        try:
                            pending = pending[os.write(stdin, pending[: 1 << 16]) :]
                        except BlockingIOError:
                            continue
                        except BrokenPipeError:  # it does not read, which is its right
                            pending = pending[:0]
                        if not pending:
                            selector.unregister(stdin)
                            os.close(stdin)
                    elif not self._hear():
                        selector.unregister(self._control)
                        if stdin in selector.get_map():
                            selector.unregister(stdin)
                            os.close(stdin)
        with self._news:
            self._gone.set()
            self._news.notify_all()

    @staticmethod
    def _read(descriptor: int) -> bytes:
        try:
            return os.read(descriptor, 1 << 16)
        except OSError:
            return b""

    def _keep(self, name: str, piece: bytes) -> None:
        with self._lock:
            room = self._guest.limits.output - sum(map(len, self._kept.values()))
            self._kept[name] += piece[: max(room, 0)]
        if len(piece) > room:
            piece = piece[: max(room, 0)]
            self._finish("output")
        if self._show is not None and piece:
            self._show(name, piece)

    def _hear(self) -> bool:
        """One message from process 1; False at the end."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, 1 << 16, 4)
        except OSError:
            return False
        with self._news:
            self._sockets += [socket.socket(fileno=descriptor) for descriptor in descriptors]
            self._buffer += data
            while b"\n" in self._buffer:
                line, _, self._buffer = self._buffer.partition(b"\n")
                message = json.loads(line)
                if message[0] == "ended":
                    self._end_message = message
            self._news.notify_all()
        return bool(data)

    def _finish(self, reason: str) -> None:
        """Let go of the socket: process 1 ends, and the kernel ends all the others."""
        if self._reason is None:
            self._reason = reason
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)

    # What one can ask.

    @property
    def ended(self) -> bool:
        """Whether nothing of it is left."""
        return self._end_message is not None or self._gone.is_set()

    def send_signal(self, number: int) -> None:
        """Send a signal to the program itself."""
        self._send("signal", number)

    def socket(self, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
        """An unconnected TCP socket of the sandbox's network: what it reaches, the guest's neighbours would.

        Raises:
            SandboxError: the guest has ended.
        """
        self._send("socket", int(family))
        with self._news:
            self._news.wait_for(lambda: self._sockets or self.ended, timeout=5)
            if not self._sockets:
                raise SandboxError("cannot reach the program: it has ended")
            return self._sockets.pop(0)

    def wait(self) -> Ended:
        """Wait for the end; the time limit holds."""
        with self._news:
            self._news.wait_for(self._gone.is_set)
        return self._outcome()

    def stop(self, grace: float = _GRACE) -> Ended:
        """Ask it to stop with its stop signal; kill it where it did not after ``grace`` seconds.

        The program is not process 1 here, as under ``docker run --init``: a signal that it does not handle ends it.
        """
        asked = not self.ended
        if asked:
            self.send_signal(self._guest.stop_signal)
        with self._news:
            ended = self._news.wait_for(self._gone.is_set, timeout=grace)
        if not ended:
            self.kill()
        outcome = self._outcome()
        return (
            outcome._replace(reason="stopped")
            if asked and ended and outcome.reason in {"exited", "killed"}
            else outcome
        )

    def kill(self) -> None:
        """End whatever is left, and wait until it is gone."""
        if not self._gone.is_set():
            self._finish("killed")
            if not self._gone.wait(2.0):
                self._end()
                self._gone.wait(5.0)
        self._end()

    def trace(self) -> Trace:
        """What it touched; once it has ended."""
        from scratchpack.sandbox import strace, trace

        self._pump.join()
        self._end()
        if self._traced is None:
            raise ValueError("nothing was traced")
        self._traced.seek(0)
        text = io.TextIOWrapper(self._traced, "utf-8", "surrogateescape", newline="\n")
        if self._tracer == "strace":
            return strace.read(text, mark=self._mark, names=self._names)
        return trace.read_lines(text, origin="of our own tracer")

    def _end(self) -> None:
        """Collect the helper; where it does not end by itself, kill it, and with it process 1 (PDEATHSIG)."""
        if self._pid:
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_RDWR)
            for wait in (0.002, 0.01, 0.05, 0.2, 0.5, 1.0, None):
                if os.waitpid(self._pid, os.WNOHANG)[0]:
                    break
                if wait is None:
                    os.kill(self._pid, signal.SIGKILL)
                    os.waitpid(self._pid, 0)
                else:
                    time.sleep(wait)
            self._pid = 0
            self._control.close()
        for each in self._sockets:
            each.close()
        self._sockets.clear()

    def _outcome(self) -> Ended:
        self._pump.join()
        self._end()
        status, reason = -int(signal.SIGKILL), self._reason or "killed"
        if self._end_message is not None:
            status = self._end_message[1]
            reason = self._reason or self._end_message[2] or ("exited" if status >= 0 else "killed")
        return Ended(
            status,
            reason,
            bytes(self._kept["out"]),
            bytes(self._kept["err"]),
            time.monotonic() - self.started,
            self.isolation,
        )
