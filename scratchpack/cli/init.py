"""``scratchpack init``: look at a repository, show what would be written, write it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scratchpack.cli.receipts import say_path
from scratchpack.errors import UsageError
from scratchpack.report.text import escape

if TYPE_CHECKING:
    from scratchpack.scaffold.init import Scaffold


@click.command("init")
@click.argument("directory", type=click.Path(path_type=Path), default=".", metavar="[DIRECTORY]")
@click.option("--language", metavar="NAME", help="The language, where the directory does not say it or says several.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
def command(directory: Path, *, language: str | None, yes: bool, dry_run: bool, force: bool) -> None:
    """Write the Dockerfile, .dockerignore and Makefile part that fit the repository in DIRECTORY.

    What will be done is shown first. Nothing that is there is replaced without --force.
    """
    from scratchpack.scaffold.init import carry_out, plan, refuse_to_replace

    planned = plan(directory, language=language)
    _show(planned, force=force)
    if dry_run:
        return
    refuse_to_replace(planned.files, force=force)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("cannot ask whether to write this: stdin is no terminal", hint="say --yes, or --dry-run")
        click.confirm("Write these files?", abort=True, err=True)
    carry_out(planned.files, force=force)
    for file in planned.files:
        say_path(str(file.path))
    if planned.makefile:
        click.echo("To your Makefile, add:", err=True)
        for line in planned.makefile:
            click.echo(f"  {escape(line)}", err=True)


def _show(planned: Scaffold, *, force: bool) -> None:
    found = planned.found
    click.echo(escape(f"{found.because}: {found.language}, program {found.name}"), err=True)
    for other in planned.others:
        click.echo(
            escape(f"also here, not used: {other.because} ({other.language}); --language {other.language} takes it"),
            err=True,
        )
    for file in planned.files:
        state = "replace" if file.exists and force else "is there already:" if file.exists else "write"
        click.echo(f"  {state} {escape(str(file.path))} ({len(file.text.splitlines())} lines)", err=True)
