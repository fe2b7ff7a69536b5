"""The group of commands: words go in, the command's module is imported and run by click, an exit status comes out."""

from __future__ import annotations

from importlib import import_module

import click

from scratchpack import __version__
from scratchpack.cli.words import COMMANDS


class Commands(click.Group):
    """Commands by name; any other first word is a binary, and means ``pack``."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"scratchpack.cli.{COMMANDS[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``pack`` before a first word that is no command."""
        alone = {"--help", "-h", "--version", "-V"} | ({"-v"} if len(args) == 1 else set())  # else -v is --verbose
        if args and args[0] not in COMMANDS and args[0] not in alone:
            args = ["pack", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: scratchpack ./goHelloWorld && docker load < goHelloWorld.tar",
)
@click.version_option(__version__, "--version", "-V", "-v", message="scratchpack %(version)s")
def commands() -> None:
    """Turn an ELF binary into a minimal image that holds exactly what it needs to run.

    `scratchpack BINARY…` is `scratchpack pack BINARY…`; write ./inspect for a file that has a command's name.
    """


def meant(word: str) -> str:
    """The command that a mistyped one was meant to be, as the end of a message; empty where none is near."""
    import difflib

    close = difflib.get_close_matches(word, COMMANDS, 1)
    return f" Did you mean {close[0]}?" if close else ""


def run(words: list[str] | None) -> int:
    """Parse and run; the exit status. Errors that are not about words are the caller's."""
    try:
        status = commands.main(words, prog_name="scratchpack", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    return status if isinstance(status, int) else 0  # click gives the status of ctx.exit() back
