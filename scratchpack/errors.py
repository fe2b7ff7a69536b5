"""The errors that leave this library: each says what could not be done, to what, why, and what to do next.

Every class carries the exit status of the command line (``docs/cli.md`` has the table).
"""

from __future__ import annotations

from typing import Any


class ScratchpackError(Exception):
    """Base of every error that scratchpack raises on purpose.

    ``message`` reads "cannot …: …"; ``hint`` says what to do next; ``details`` are further lines, one a finding.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle and copy, which know nothing of keywords: an error of a worker process keeps its hint and details."""
        return _again, (type(self), self.message, self.hint, self.details)

    def to_json(self) -> str:
        """The error for a program: its class, message, hint, details and exit status, as a JSON object."""
        import json

        document = {
            "error": type(self).__name__,
            "message": _text(self.message),
            "hint": None if self.hint is None else _text(self.hint),
            "details": [_text(line) for line in self.details],
            "exit_code": self.exit_code,
        }
        return json.dumps(document, indent=2)


def _again(kind: type[ScratchpackError], message: str, hint: str | None, details: tuple[str, ...]) -> ScratchpackError:
    return kind(message, hint=hint, details=details)


def _text(text: str) -> str:
    """What strict readers of JSON take: a byte of a file name that is no UTF-8 becomes an escape (S11)."""
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a surrogate pair that stands for no byte
        raw = text.encode("utf-8", "backslashreplace")
    return raw.decode("utf-8", "backslashreplace")


class UsageError(ScratchpackError):
    """An unknown option, an impossible combination, a file that is not there."""

    exit_code = 2


class InputError(ScratchpackError):
    """Not a program that can be read or packed: not ELF, an object file, a FIFO, unreadable, compressed."""

    exit_code = 3


class ElfError(InputError):
    """An ELF file that contradicts itself, ends too early, or passes a limit (S3, S4)."""


class LimitError(ScratchpackError):
    """One file, or all files of a run together, ask for more work or memory than the stated bounds (S4).

    It is no :class:`InputError`, so that nothing that goes on without a damaged file goes on after this one.
    """

    exit_code = 3


class ClosureError(ScratchpackError):
    """The loader would not start this program: missing libraries, fatal candidates, versions, symbols."""

    exit_code = 4


class NeedError(ScratchpackError):
    """A runtime need could not be provided from this root."""

    exit_code = 5


class CheckError(ScratchpackError):
    """A check failed: verify, a sandboxed run, a waste limit."""

    exit_code = 6


class OutputError(ScratchpackError):
    """The output was not written; what stood there before still does (S17, S19)."""

    exit_code = 7


class RemoteError(ScratchpackError):
    """A registry or an engine refused, or did not answer."""

    exit_code = 8


class ConfinementError(InputError):
    """A path of a root that loops, is too long a chain, or changed while it was read (S8, S9, S10)."""
