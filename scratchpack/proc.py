"""Other programs: the one place that starts them, always with a deadline, never through a shell.

Importing this module costs what ``subprocess`` costs: import it inside the function that runs something.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, NamedTuple

from scratchpack.errors import ScratchpackError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OUTPUT_CAP = 64 << 20  # bytes of stdout, and of stderr, kept from one program
_GRACE = 2.0  # seconds for the pipes to end after the program did

# Sets the limits in the child itself, then becomes the program: no code of ours between fork and exec (threads).
_LAUNCHER = """\
import os, resource as r, sys
for kind, value in zip((r.RLIMIT_AS, r.RLIMIT_CPU, r.RLIMIT_CORE), (*map(int, sys.argv[1:3]), 0)):
    if value >= 0:
        r.setrlimit(kind, (value, value))
del sys.argv[1:3]
"""
_EXEC = _LAUNCHER + "os.execvp(sys.argv[1], sys.argv[1:])\n"
_MODULE = (
    _LAUNCHER + "import runpy; sys.path.append(sys.argv.pop(1))\nrunpy.run_module(sys.argv.pop(1), run_name='__main__')"
)


class NotStartedError(ScratchpackError):
    """The program is not there, or may not be executed."""


class TimedOutError(ScratchpackError):
    """The program was still running at its deadline; it and its children were killed."""


class TooMuchOutputError(ScratchpackError):
    """The program wrote more than ``OUTPUT_CAP`` bytes; it and its children were killed."""


class Limits(NamedTuple):
    """What a child may use at most. ``None`` leaves the limit as it is."""

    memory: int | None = None  # bytes of address space
    cpu: int | None = None  # seconds of processor time


class Done(NamedTuple):
    """How a program ended: ``status`` is its exit status, or minus the number of the signal that ended it."""

    status: int
    out: bytes
    err: bytes

    @property
    def complaint(self) -> str:
        """The last line of stderr that says something, for an error message."""
        lines = [line.strip() for line in self.err.decode(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else f"exit status {self.status}"


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    timeout: float,
    input: bytes | Iterable[bytes] | None = None,  # noqa: A002 - the name subprocess uses
    output: BinaryIO | None = None,
    limits: Limits | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
) -> Done:
    """Run ``command`` to its end in a process group of its own.

    Args:
        command: the program and its arguments; looked up in PATH where it has no slash.
        timeout: seconds until the whole group is killed.
        input: its stdin, whole or in pieces; without it, stdin is empty. A program that stops reading is no error.
        output: a real file that takes its stdout (``Done.out`` is then empty); otherwise stdout is kept.
        limits: set in the child before the program starts.
        env: its whole environment; without it, ours.
        cwd: its working directory; without it, ours.

    Raises:
        NotStartedError: no such program, or not executable.
        TimedOutError: not ended after ``timeout``.
        TooMuchOutputError: more than ``OUTPUT_CAP`` bytes on stdout or stderr.
    """
    words = [os.fspath(word) for word in command]
    if limits is not None:
        words = [sys.executable, "-I", "-c", _EXEC, *_values(limits), *words]
    deadline = time.monotonic() + timeout
    try:
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
            stdout=subprocess.PIPE if output is None else output,
            stderr=subprocess.PIPE,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise NotStartedError(f"cannot run {os.fspath(command[0])}: {why}") from None
    return _follow(child, words[0] if limits is None else os.fspath(command[0]), input, deadline, timeout)


def python(
    module: str,
    *arguments: str,
    timeout: float,
    input: bytes | Iterable[bytes] | None = None,  # noqa: A002 - the name subprocess uses
    limits: Limits | None = None,
) -> Done:
    """Run a module of ours as ``__main__`` in an isolated Python (``-I``): the environment says nothing to it.

    Raises:
        TimedOutError, TooMuchOutputError: as :func:`run`.
    """
    home = str(Path(__file__).resolve().parent.parent)
    words = [sys.executable, "-I", "-c", _MODULE, *_values(limits or Limits()), home, module, *arguments]
    return run(words, timeout=timeout, input=input)


def _values(limits: Limits) -> tuple[str, str]:
    return (
        str(-1 if limits.memory is None else limits.memory),
        str(-1 if limits.cpu is None else limits.cpu),
    )


class _Pipe(threading.Thread):
    """Reads one pipe to its end, up to the cap; past it, ends the program."""

    def __init__(self, pipe: IO[bytes], child: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self._pipe, self._child = pipe, child
        self.data = bytearray()
        self.overflow = False

    def run(self) -> None:
        with self._pipe:
            while piece := os.read(self._pipe.fileno(), 1 << 16):
                if len(self.data) + len(piece) > OUTPUT_CAP:
                    self.overflow = True
                    _kill(self._child)
                    return
                self.data += piece


class _Feeder(threading.Thread):
    """Writes stdin; keeps what the source of the bytes raised."""

    def __init__(self, pipe: IO[bytes], pieces: Iterable[bytes], child: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self._pipe, self._pieces, self._child = pipe, pieces, child
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            with contextlib.suppress(BrokenPipeError), self._pipe:
                for piece in self._pieces:
                    self._pipe.write(piece)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that asked
            self.failure = error
            _kill(self._child)


def _follow(
    child: subprocess.Popen[bytes], name: str, given: bytes | Iterable[bytes] | None, deadline: float, timeout: float
) -> Done:
    pipes = [_Pipe(pipe, child) for pipe in (child.stdout, child.stderr) if pipe is not None]
    feeder = None
    if child.stdin is not None:
        feeder = _Feeder(child.stdin, (given,) if isinstance(given, bytes) else given or (), child)
        feeder.start()
    for pipe in pipes:
        pipe.start()
    try:
        child.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        _kill(child)
        child.wait()
        raise TimedOutError(f"cannot finish {name}: still running after {timeout:g} s, killed") from None
    except BaseException:
        _kill(child)
        child.wait()
        raise
    finally:
        end = time.monotonic() + _GRACE
        for thread in (*pipes, *((feeder,) if feeder is not None else ())):
            thread.join(max(0.0, end - time.monotonic()))
    if feeder is not None and feeder.failure is not None:
        raise feeder.failure
    if any(pipe.overflow for pipe in pipes):
        raise TooMuchOutputError(f"cannot use what {name} said: more than {OUTPUT_CAP >> 20} MiB of it")
    out = bytes(pipes[0].data) if len(pipes) == 2 else b""
    return Done(child.returncode, out, bytes(pipes[-1].data))


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the child's whole group; start_new_session made it the leader, so the group's id is the child's."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
