"""``scratchpack dockerfile BINARY``: a Dockerfile and its context."""

from __future__ import annotations

from typing import Any

import click

from scratchpack.cli.options import NEEDS, PATH, PROGRAM, Grouped, gather, settings_options, terminal
from scratchpack.cli.packing import say_path

_EPILOG = """\b
Examples:
  scratchpack dockerfile ./app                       app.context/Dockerfile and app.context/rootfs.tar
  scratchpack dockerfile ./app -d build/image && docker build -t app build/image
"""
_IMAGE = {"cmd", "expose", "volume", "label", "stop-signal", "healthcheck", "preserve-modes", "preserve-privileges"}


@click.command("dockerfile", cls=Grouped, epilog=_EPILOG)
@click.argument("binaries", nargs=-1, required=True, type=PATH, metavar="BINARY…")
@click.option("-d", "--directory", type=PATH, metavar="DIR", help="The context to write. Default: <name>.context.")
@settings_options(PROGRAM | NEEDS | _IMAGE | {"force", "quiet", "dry-run"})
def command(binaries: tuple[str, ...], directory: str | None, **values: Any) -> None:
    """Write a directory with a Dockerfile and a rootfs.tar.

    BuildKit, the classic builder and buildah build from it the same files and configuration that `pack` writes.
    """
    options = gather(values)
    dest = "" if directory is None else f",dest={directory}"
    from scratchpack.pipeline.pack import pack
    from scratchpack.report.text import packed_table

    packed = pack(binaries, options._replace(output=(f"type=dockerfile{dest}",)))
    if not options.quiet:
        click.echo(packed_table(packed, colour=terminal(), dry_run=options.dry_run), err=True, nl=False)
    for receipt in packed.receipts:
        say_path(receipt.dest)
