"""The command line: click only here; a command parses, calls the pipeline, prints a report — nothing else.

Each command is a module of this room with a ``command``; it is imported only when it is asked for.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from scratchpack import __version__
from scratchpack.errors import ScratchpackError

if TYPE_CHECKING:
    from types import FrameType

# name: (module, the line in --help), in the order of --help
COMMANDS: dict[str, tuple[str, str]] = {
    "pack": ("pack", "Make an image of a program and exactly what it needs (the default command)."),
    "inspect": ("inspect", "Show what a program is, what it loads, and what it will open later."),
    "dockerfile": ("dockerfile", "Write a Dockerfile and its context for a program."),
    "template": ("template", "Print a multi-stage Dockerfile for a language, a Makefile part, a Bake file, a CI job."),
    "completion": ("completion", "Print the completion script for a shell."),
}


class _Commands(click.Group):
    """Commands by name; any other first word is a binary, and means ``pack``."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"scratchpack.cli.{COMMANDS[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in COMMANDS and args[0] not in {"--help", "-h", "--version"}:
            args = ["pack", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: scratchpack ./goHelloWorld && docker load < goHelloWorld.tar",
)
@click.version_option(__version__, message="scratchpack %(version)s")
def commands() -> None:
    """Turn an ELF binary into a minimal image that holds exactly what it needs to run.

    `scratchpack BINARY…` is `scratchpack pack BINARY…`; write ./inspect for a file that has a command's name.
    """


class _Terminated(BaseException):
    """SIGTERM, raised where the run stands, so that everything cleans up on the way out."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and leave with its exit status; no traceback reaches a person."""
    _raise_on_sigterm()
    try:
        commands.main(args, prog_name="scratchpack", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        _leave(130)
    except _Terminated:
        _say("terminated")
        _leave(143)
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
        _say(f"a fault of scratchpack itself: {type(error).__name__}: {error}")
        _say("please report it with what SCRATCHPACK_DEBUG=1 prints; nothing was published")
        sys.exit(1)


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
