"""``scratchpack pack BINARY…``: the image."""

from __future__ import annotations

from typing import Any

import click

from scratchpack.cli.options import PATH, Grouped, gather, settings_options, terminal

_EPILOG = """\b
Examples:
  scratchpack ./goHelloWorld                         goHelloWorld.tar, for every engine
  scratchpack ./app -t example.org/app:1.0 --push    to a registry, without an archive
  scratchpack ./app -o type=docker,dest=- | docker load
  scratchpack --root ./sysroot /usr/bin/curl         a program of another root filesystem
  scratchpack app-amd64 app-arm64 -t app:1.0         one index for two platforms

Settings may also stand in scratchpack.toml, in [tool.scratchpack] of pyproject.toml, or in
SCRATCHPACK_<NAME>; options win over variables, and variables over files.
"""


@click.command("pack", cls=Grouped, epilog=_EPILOG)
@click.argument("binaries", nargs=-1, required=True, type=PATH, metavar="BINARY…")
@settings_options()
def command(binaries: tuple[str, ...], **values: Any) -> None:
    """Make an image that holds BINARY and exactly what it needs.

    Several binaries of one platform make one image whose entrypoint is the first; binaries of different platforms
    make one index. stdout says what was written, one path a line.
    """
    options = gather(values)
    from scratchpack.cli.progress import Progress
    from scratchpack.pipeline.pack import pack

    with Progress(options.progress or "auto", quiet=options.quiet) as progress:
        packed = pack(binaries, options, progress=progress.step)
    if not options.quiet:
        from scratchpack.report.text import packed_table

        click.echo(packed_table(packed, colour=terminal(), dry_run=options.dry_run), err=True, nl=False)
    for receipt in packed.receipts:
        if receipt.dest != "-":
            click.echo(receipt.dest)
