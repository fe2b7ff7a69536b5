"""``scratchpack pack BINARY…``: the image."""

from __future__ import annotations

from typing import Any

import click

from scratchpack.cli.options import PATH, Grouped, given, settings_options
from scratchpack.cli.packing import pack_and_report

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
@settings_options("pack")
def command(binaries: tuple[str, ...], **values: Any) -> None:
    """Make an image that holds BINARY and exactly what it needs.

    Several binaries of one platform make one image whose entrypoint is the first; binaries of different platforms
    make one index. stdout says what was written, one path a line.
    """
    config = values.pop("config")
    pack_and_report(binaries, given(values), config)
