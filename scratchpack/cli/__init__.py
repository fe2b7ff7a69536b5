"""The command line: a command parses, calls the pipeline, prints a report — nothing else; click only here.

Each command is a module of this room with a ``command``; it is imported only when it is asked for. One binary without
an option has no words to parse: for it not even click is imported.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from scratchpack.errors import ScratchpackError

if TYPE_CHECKING:
    from types import FrameType

# name: (module, the line in --help), in the order of --help
COMMANDS: dict[str, tuple[str, str]] = {
    "pack": ("pack", "Make an image of a program and exactly what it needs (the default command)."),
    "inspect": ("inspect", "Show what a program is, what it loads, and what it will open later."),
    "dockerfile": ("dockerfile", "Write a Dockerfile and its context for a program."),
    "template": ("template", "Print a multi-stage Dockerfile for a language, a Makefile part, a Bake file, a CI job."),
    "init": ("init", "Write the Dockerfile, .dockerignore and Makefile part that fit a repository."),
    "verify": ("verify", "Check an image, or a program, without running it."),
    "completion": ("completion", "Print the completion script for a shell."),
}


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
    plain = len(words) == 1 and not words[0].startswith("-") and words[0] not in COMMANDS
    if plain and words[0] and "_SCRATCHPACK_COMPLETE" not in os.environ:
        from scratchpack.cli.packing import pack_and_report

        pack_and_report((words[0],), {})
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
