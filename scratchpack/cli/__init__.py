"""The command line: a command parses, calls the pipeline, prints a report — nothing else; click only here.

Each command is a module of this room with a ``command``; it is imported only when it is asked for. The ordinary words of ``pack``
are read without click (:mod:`scratchpack.cli.words`), which takes as long to import as a small program takes to pack.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from scratchpack.cli.words import COMMANDS, read
from scratchpack.errors import ScratchpackError, UsageError

if TYPE_CHECKING:
    from types import FrameType


class _Terminated(BaseException):
    """SIGTERM, raised where the run stands, so that everything cleans up on the way out."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and leave with its exit status; no traceback reaches a person."""
    import signal

    before = signal.getsignal(signal.SIGINT)
    try:
        if callable(before):  # the quiet one of __main__; an ignored interrupt stays ignored
            signal.signal(signal.SIGINT, signal.default_int_handler)
        _raise_on_sigterm()
        _main(sys.argv[1:] if args is None else args)
    except KeyboardInterrupt:  # while an error was being shown, too
        signal.signal(signal.SIGINT, before)  # who presses twice gets no traceback either
        _say("interrupted")
        _leave(130)
    except _Terminated:
        _say("terminated")
        _leave(143)
    finally:
        signal.signal(signal.SIGINT, before)


def _main(words: list[str]) -> None:
    try:
        status = _run(words)
        sys.stdout.flush()
        sys.exit(status)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(7)
    except ScratchpackError as error:
        _show(error)
        sys.exit(error.exit_code)
    except MemoryError:
        _say("out of memory")
        sys.exit(1)
    except Exception as error:
        if os.environ.get("SCRATCHPACK_DEBUG"):
            raise
        from scratchpack.report.text import escape

        _say(escape(f"a fault of scratchpack itself: {type(error).__name__}: {error}"))
        _say("please report it with what SCRATCHPACK_DEBUG=1 prints; nothing was published")
        sys.exit(1)


def _run(words: list[str]) -> int:
    try:
        return _carried_out(words)
    except UsageError as error:
        first = words[0] if words else ""
        if first.isalpha() and first not in COMMANDS and not os.path.lexists(first):
            import difflib

            for close in difflib.get_close_matches(first, COMMANDS, 1):
                error.hint = f"did you mean the command {close}? `scratchpack help` lists all"
        raise


def _carried_out(words: list[str]) -> int:
    if "_SCRATCHPACK_COMPLETE" not in os.environ:
        plain = read(words)
        if plain is not None:
            from scratchpack.cli.packing import pack_and_report

            pack_and_report(*plain)
            return 0
    from scratchpack.cli.commands import run

    return run(words)


def _raise_on_sigterm() -> None:
    import signal

    def terminate(_signal: int, _frame: FrameType | None) -> None:
        raise _Terminated

    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, terminate)


def _leave(status: int) -> None:
    sys.stderr.flush()
    sys.exit(status)


def _say(text: str) -> None:
    print(f"scratchpack: {text}", file=sys.stderr)  # noqa: T201


def _show(error: ScratchpackError) -> None:
    from scratchpack.report.text import escape

    lines = [escape(error.message), *("  " + escape(line) for line in error.details)]
    if error.hint:
        lines.append("hint: " + escape(error.hint))
    for number, line in enumerate(lines):
        print(("scratchpack: " if number == 0 else "") + line, file=sys.stderr)  # noqa: T201
