"""An engine through its own command: asked for an answer, fed an archive on stdin, made to write one to a file, made to run an image."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.errors import RemoteError, ScratchpackError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scratchpack.proc import Done

ASK_SECONDS = 20
LOAD_SECONDS = 3600
_SAVE_SECONDS = 3600


def answers(command: Sequence[str]) -> str | None:
    """Why a command cannot be used, ``None`` when it can."""
    from scratchpack import proc

    if shutil.which(command[0]) is None:
        return f"no command {command[0]!r}"
    try:
        done = proc.run(command, timeout=ASK_SECONDS)
    except ScratchpackError as error:
        return error.message
    return None if done.status == 0 else done.complaint


def feed(command: Sequence[str], pieces: Iterator[bytes], engine: str) -> None:
    """Send an archive to a command's stdin.

    Raises:
        RemoteError: the command failed.
    """
    from scratchpack import proc

    try:
        done = proc.run(command, input=pieces, timeout=LOAD_SECONDS)
    except (proc.NotStartedError, proc.TimedOutError, proc.TooMuchOutputError) as error:
        raise RemoteError(f"cannot load into {engine}: {error.message}") from None
    if done.status != 0:
        raise RemoteError(f"cannot load into {engine}: {' '.join(command)} says: {done.complaint}")


def write(command: Sequence[str], reference: str, output: BinaryIO, engine: str) -> None:
    """Let a command write an image's archive to ``output``, a real file.

    Raises:
        RemoteError: the command failed, or is not there.
    """
    from scratchpack import proc

    hint = f"see that {command[0]} runs and has the image"
    try:
        done = proc.run(command, output=output, timeout=_SAVE_SECONDS)
    except (proc.NotStartedError, proc.TimedOutError, proc.TooMuchOutputError) as error:
        raise RemoteError(f"cannot get {reference} from {engine}: {error.message}", hint=hint) from None
    if done.status != 0:
        raise RemoteError(f"cannot get {reference} from {engine}: {done.complaint}", hint=hint)


def start(command: Sequence[str], reference: str, timeout: float) -> Done:
    """Let a command run an image to its end; the program's status and output are the answer.

    Raises:
        RemoteError: the command is not there, or still ran after ``timeout`` seconds.
    """
    from scratchpack import proc

    try:
        return proc.run(command, timeout=timeout)
    except (proc.NotStartedError, proc.TimedOutError, proc.TooMuchOutputError) as error:
        raise RemoteError(f"cannot run {reference}: {error.message}") from None
