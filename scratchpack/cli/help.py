"""``scratchpack help [COMMAND]``: what ``--help`` says, for those who ask in words."""

from __future__ import annotations

import click

from scratchpack.cli.commands import commands, meant


@click.command("help", epilog="Example: scratchpack help verify")
@click.argument("name", required=False, metavar="[COMMAND]")
@click.pass_context
def command(ctx: click.Context, name: str | None) -> None:
    """Show what COMMAND does and takes; without one, which commands there are."""
    parent = ctx.parent or ctx
    if name is None:
        click.echo(commands.get_help(parent))
        return
    found = commands.get_command(parent, name)
    if found is None:
        raise click.UsageError(f"there is no command {name!r}." + meant(name))
    with click.Context(found, info_name=name, parent=parent) as context:
        click.echo(found.get_help(context))
