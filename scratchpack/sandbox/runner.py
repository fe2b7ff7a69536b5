"""Start a guest and follow it: a :class:`Guest` in, its output as it comes, and how it ended.

One thread reads all that comes, from the guest's pipes and from the helper that built its sandbox, until all have ended.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from scratchpack.sandbox import ids
from scratchpack.sandbox.helper import Helper
from scratchpack.sandbox.model import Ended, SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from scratchpack.sandbox.model import Guest, Isolation
    from scratchpack.sandbox.trace import Trace

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
        self._show = show
        self._kept: dict[str, bytearray] = {"out": bytearray(), "err": bytearray()}
        self._lock = threading.Lock()
        self._end_message: list[Any] | None = None  # ["ended", status, reason], from process 1
        self._reason: str | None = None  # why we ended it
        self._sockets: list[socket.socket] = []
        self._news = threading.Condition(self._lock)
        self._gone = threading.Event()
        self._helper = Helper(guest, ids.isolation(guest, subordinate=subordinate), trace=trace, names=names)
        self._helper.build()
        self.started = time.monotonic()
        self.deadline = self.started + guest.limits.seconds
        self._pump = threading.Thread(target=self._follow, args=(given,), daemon=True)
        self._pump.start()

    @property
    def isolation(self) -> Isolation:
        """By what right it runs."""
        return self._helper.isolation

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    # Following: one thread reads all that comes, until the guest's pipes and the socket have ended.

    def _follow(self, given: bytes) -> None:
        stdin, names = self._helper.stdin, {self._helper.out: "out", self._helper.err: "err"}
        with selectors.DefaultSelector() as selector:
            for descriptor in names:
                selector.register(descriptor, selectors.EVENT_READ)
            selector.register(self._helper.control, selectors.EVENT_READ)
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
                        selector.unregister(self._helper.control)
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
        """What process 1 says; False at the end."""
        messages, sockets, more = self._helper.messages()
        with self._news:
            self._sockets += sockets
            for message in messages:
                if message[0] == "ended":
                    self._end_message = message
            self._news.notify_all()
        return more

    def _finish(self, reason: str) -> None:
        """Let go of the socket: process 1 ends, and the kernel ends all the others."""
        if self._reason is None:
            self._reason = reason
        self._helper.let_go()

    # What one can ask.

    @property
    def ended(self) -> bool:
        """Whether nothing of it is left."""
        return self._end_message is not None or self._gone.is_set()

    def send_signal(self, number: int) -> None:
        """Send a signal to the program itself."""
        self._helper.send("signal", number)

    def socket(self, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
        """An unconnected TCP socket of the sandbox's network: what it reaches, the guest's neighbours would.

        Raises:
            SandboxError: the guest has ended.
        """
        self._helper.send("socket", int(family))
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
        self._pump.join()
        self._end()
        return self._helper.trace()

    def _end(self) -> None:
        self._helper.end()
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
