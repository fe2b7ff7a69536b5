"""``scratchpack analyze IMAGE…``: what images hold, waste and share."""

from __future__ import annotations

import sys
from typing import Any

import click

from scratchpack.cli.options import PATH, Grouped, gather, settings_options

_EPILOG = """\b
Examples:
  scratchpack analyze app.tar                           an archive, or a layout directory
  scratchpack analyze docker:app:1.0                    an image of an engine (docker:, podman:, containerd:)
  scratchpack analyze --base debian:12 docker:app:1.0   what the Dockerfile itself adds and wastes
  scratchpack analyze --max-waste 5% --min-efficiency 90% app.tar
  scratchpack analyze --html app.html app.tar           a page to explore, in a browser
  scratchpack analyze a.tar b.tar                       what they share: in a registry, on a node's disk
"""


@click.command("analyze", cls=Grouped, epilog=_EPILOG)
@click.argument("images", nargs=-1, required=True, type=PATH, metavar="IMAGE…")
@settings_options("analyze")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON (docs/schema/analyze.json).")
@click.option(
    "--html",
    metavar="FILE",
    type=PATH,
    help="Also write one page with a map of the files to explore; it needs no network.",
)
@click.option(
    "--base", metavar="IMAGE", type=PATH, help="The image that they are built on; limits hold for what is above it."
)
@click.option(
    "--max-waste",
    metavar="SIZE|%",
    help="Exit 6 where more is hidden: bytes (20M), or a share of all files' bytes (5%).",
)
@click.option(
    "--min-efficiency",
    metavar="SHARE",
    help="Exit 6 where live bytes are a smaller share of all files' bytes: 0.9 or 90%.",
)
@click.option(
    "--max-unpacked",
    metavar="SIZE",
    help="What an image's layers may unpack to, for example 20G; without it, 256M and 100 times what is stored.",
)
def command(
    images: tuple[str, ...],
    as_json: bool,
    html: str | None,
    base: str | None,
    max_waste: str | None,
    min_efficiency: str | None,
    max_unpacked: str | None,
    **values: Any,
) -> None:
    """Show what an image's layers hold, what they hide, who hid it, and how its Dockerfile would be written instead.

    Hidden are bytes of a layer that the image does not show: a later layer deleted or replaced the file, or wrote it again, for a
    chmod. Beside them stand leftovers (caches, logs), files held more than once, and what the program that it starts needs.
    Nothing of an image is executed.
    """
    asked = gather(values, "analyze")
    from scratchpack.pipeline.analyze import analyze
    from scratchpack.pipeline.limits import hold, limits
    from scratchpack.pipeline.verify import unpacked_size

    allowed = limits(max_waste, min_efficiency)
    found = analyze(images, asked, base=base, unpacked=unpacked_size(max_unpacked), files=html is not None)
    if html is not None:
        from scratchpack.pipeline.page import write_page
        from scratchpack.report.page import page

        write_page(html, page(found))
    if as_json:
        from scratchpack.report.analyze import document
        from scratchpack.report.json import dumps

        click.echo(dumps(document(found)))
    elif not asked.quiet:
        from scratchpack.report.analyze import text

        click.echo(text(found, colour=sys.stdout.isatty()), nl=False)
    hold(found, allowed)
