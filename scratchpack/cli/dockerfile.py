"""``scratchpack dockerfile BINARY``: a Dockerfile and its context."""

from __future__ import annotations

import sys
from typing import Any

import click

from scratchpack.cli.options import PATH, Grouped, given, settings_options
from scratchpack.cli.packing import say_path, settle, show
from scratchpack.errors import UsageError

_EPILOG = """\b
Examples:
  scratchpack dockerfile ./app                       app.context/Dockerfile and app.context/rootfs.tar
  scratchpack dockerfile ./app -d build/image && docker build -t app build/image
"""


@click.command("dockerfile", cls=Grouped, epilog=_EPILOG)
@click.argument("binaries", nargs=-1, required=True, type=PATH, metavar="BINARY…")
@click.option("-d", "--directory", type=PATH, metavar="DIR", help="The context to write. Default: <name>.context.")
@settings_options("dockerfile")
def command(binaries: tuple[str, ...], directory: str | None, **values: Any) -> None:
    """Write a directory with a Dockerfile and a rootfs.tar.

    BuildKit, the classic builder and buildah build from it the same files and configuration that `pack` writes.
    """
    config = values.pop("config")
    asked, settings = settle(given(values), config, "dockerfile")
    if directory == "":
        raise UsageError("cannot use an empty --directory: it takes the name of one")
    from scratchpack.pipeline.pack import carry_out
    from scratchpack.report.packed import packed_table
    from scratchpack.sinks.model import Output

    asked = asked._replace(output=(Output("dockerfile", directory, force=asked.force),))
    packed = carry_out(binaries, asked, settings=settings)
    if not asked.quiet:
        show(packed_table, packed, sys.stderr, dry_run=asked.dry_run, verbose=asked.verbose)
    for receipt in packed.receipts:
        say_path(receipt.dest)
