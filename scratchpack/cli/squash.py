"""``scratchpack squash IMAGE``: the same files in fewer layers."""

from __future__ import annotations

import sys
from typing import Any

import click

from scratchpack.cli.options import PATH, Grouped, given, settings_options
from scratchpack.cli.packing import settle
from scratchpack.cli.receipts import say_receipts

_EPILOG = """\b
Examples:
  scratchpack squash app.tar                            app-squashed.tar: what its layers hid is gone
  scratchpack squash app.tar --onto base.tar            one layer on the base's, which other images share
  scratchpack squash docker:app:1.0 --onto docker:debian:12 -t app:1.0-squashed --load docker
  scratchpack squash app.tar --dry-run                  what it would save, and what sharing would be lost
"""


@click.command("squash", cls=Grouped, epilog=_EPILOG)
@click.argument("image", type=PATH, metavar="IMAGE")
@settings_options("squash")
@click.option("--onto", type=PATH, metavar="BASE", help="An image whose layers stay the lowest, byte for byte.")
@click.option(
    "--max-unpacked",
    metavar="SIZE",
    help="What an image's layers may unpack to, for example 20G; without it, 256M and 100 times what is stored.",
)
def command(image: str, onto: str | None, max_unpacked: str | None, **values: Any) -> None:
    """Make of an existing image one that shows the same files in fewer layers, and hides nothing.

    A copy that a chmod or a touch made is folded into the layer of the file itself. Where that is all that the image
    hides, its other layers stay as they are; else all become one. With --onto BASE the layers of BASE stay and one
    layer stands above them, with a whiteout for each file of BASE that the image does not show. The configuration is
    kept. The report says which layers no other image can share any more. stdout says what was written, one path a line.
    """
    config = values.pop("config")
    asked, settings = settle(given(values), config, "squash")
    from scratchpack.cli.progress import Progress
    from scratchpack.pipeline.squash import carry_out
    from scratchpack.pipeline.verify import unpacked_size

    unpacked = unpacked_size(max_unpacked)
    with Progress(asked.progress or "auto", quiet=asked.quiet) as progress:
        squashed = carry_out(image, asked, base=onto, settings=settings, unpacked=unpacked, progress=progress.step)
    if not asked.quiet:
        from scratchpack.report.squash import squashed_text

        sys.stderr.write(squashed_text(squashed, dry_run=asked.dry_run))
    say_receipts(squashed.receipts)
