"""``scratchpack completion SHELL``: the script that makes the shell complete our words."""

from __future__ import annotations

import click


@click.command("completion", epilog='Example, in ~/.bashrc: eval "$(scratchpack completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script for SHELL."""
    from click.shell_completion import get_completion_class

    from scratchpack.cli.commands import commands

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(kind(commands, {}, "scratchpack", "_SCRATCHPACK_COMPLETE").source())
