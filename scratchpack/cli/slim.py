"""``scratchpack slim IMAGE``: an existing image, cut down to what it starts."""

from __future__ import annotations

import sys
from typing import Any

import click

from scratchpack.cli.options import PATH, Grouped, given, settings_options
from scratchpack.cli.packing import settle, show
from scratchpack.cli.receipts import say_receipts
from scratchpack.cli.runs import OF_PACK, run_options, wanted

_EPILOG = """\b
Examples:
  scratchpack slim app.tar                              app-slim.tar: what app.tar starts, and nothing else
  scratchpack slim docker:app:1.0 -t app:1.0-slim --load docker
  scratchpack slim registry.example.com/app:1.0 -t registry.example.com/app:slim --push
  scratchpack slim app.tar --include /srv/www --user 65532
  scratchpack slim builder.tar --entrypoint /out/app    another program of the image
  scratchpack slim web.tar --trace --wait-tcp 8000 --request http://localhost:8000/
  scratchpack slim app.tar --dry-run                    what would stay, and why
"""


@click.command("slim", cls=Grouped, epilog=_EPILOG)
@click.argument("image", type=PATH, metavar="IMAGE")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGS]")
@run_options(OF_PACK)
@settings_options("slim")
@click.option(
    "--max-unpacked",
    metavar="SIZE",
    help="What the image's layers may unpack to, for example 20G; without it, 256M and 100 times what is stored.",
)
def command(image: str, words: tuple[str, ...], max_unpacked: str | None, **values: Any) -> None:
    """Make of an existing image the one that holds exactly what it starts needs.

    IMAGE is an archive, a layout, docker:REF, podman:REF, containerd:REF or a registry's reference. Its command is
    followed to the program that runs in the end, which is resolved inside the image's own layers; nothing of it is
    executed without --trace or --minimize. Its configuration is kept: command, variables, user, directories, ports, labels, health
    check. Every option of `pack` goes before it. A package database is cut down to the packages that remain
    (--no-package-db leaves it out). stdout says what was written, one path a line.
    """
    run, tracing = wanted(values, words, OF_PACK)
    config = values.pop("config")
    asked, settings = settle(given(values), config, "slim")
    from scratchpack.cli.progress import Progress
    from scratchpack.pipeline.slim.run import carry_out
    from scratchpack.pipeline.verify import unpacked_size

    unpacked = unpacked_size(max_unpacked)
    rehearsal = None
    if run is not None and tracing is not None:
        from scratchpack.cli.guest_output import passed_on
        from scratchpack.pipeline.runs.expectation import Rehearsal

        rehearsal = Rehearsal(run, tracing, show=None if asked.quiet else passed_on(apart=True))
    with Progress(asked.progress or "auto", quiet=asked.quiet) as progress:
        slimmed = carry_out(
            image, asked, settings=settings, unpacked=unpacked, progress=progress.step, rehearsal=rehearsal
        )
    if not asked.quiet:
        from scratchpack.report.slim import slimmed_text

        show(slimmed_text, slimmed, sys.stderr, dry_run=asked.dry_run, verbose=asked.verbose)
    say_receipts(slimmed.packed.receipts)
