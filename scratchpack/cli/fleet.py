"""``pack`` of many images: a line an image on stderr while they are made, then what they cost; the paths written on stdout."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from scratchpack.cli.fleet_progress import FleetProgress
from scratchpack.cli.receipts import say_receipts
from scratchpack.errors import UsageError
from scratchpack.pipeline.fleet.members import each, members
from scratchpack.pipeline.fleet.record import write_metadata
from scratchpack.pipeline.fleet.run import carry_out
from scratchpack.report.fleet import faults, text
from scratchpack.request import request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scratchpack.sources import Merged


def fleet_and_report(binaries: Sequence[str], merged: Merged) -> None:
    """Make every image; exit with the status of the first, in the order that was asked for, that could not be made."""
    if merged.listed and binaries:
        raise UsageError(
            f"cannot pack {binaries[0]} beside the images that {merged.path} lists", hint="add it there: [[image]]"
        )
    run = request(merged.options._replace(tag=(), each=True), "pack", os.environ)
    listed = list(merged.listed) or each(binaries, merged.options)
    found = members(listed, os.environ, shard=run.shard)
    name = os.path.basename(merged.path or "").removesuffix(".toml") if merged.listed else "fleet"
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    with FleetProgress(run.progress or "auto", quiet=run.quiet) as progress:
        made = carry_out(found, run, name=name or "fleet", epoch=epoch, settings=merged.path, told=progress.told)
    if run.metadata_file is not None:
        write_metadata(run.metadata_file, made)
    if not run.quiet:
        sys.stderr.write(text(made, colour=sys.stderr.isatty()))
    sys.stderr.write(faults(made))
    say_receipts(made.receipts)
    if made.exit_code:
        sys.stderr.flush()
        sys.exit(made.exit_code)
