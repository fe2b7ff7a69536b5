"""``scratchpack version``: which one this is."""

from __future__ import annotations

import click

from scratchpack import __version__


@click.command("version")
def command() -> None:
    """Print the version, as --version, -V and -v do."""
    click.echo(f"scratchpack {__version__}")
