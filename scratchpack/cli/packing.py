"""What ``pack`` does once its words are parsed: binaries and settings go in; outputs are written and reported. No click here: the short path does not import it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from scratchpack.cli.receipts import say_receipts
from scratchpack.errors import UsageError
from scratchpack.record import NamedTuple
from scratchpack.request import request
from scratchpack.sources import merge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scratchpack.pipeline.runs.expectation import Expectation, Tracing
    from scratchpack.request.model import Request
    from scratchpack.sources import Merged


class Settled(NamedTuple):
    """What one run is asked for, and the settings file that had a say in it."""

    asked: Request
    settings: str | None


def settle(given: Mapping[str, Any], config: str | None = None, command: str = "pack") -> Settled:
    """The request of one run: what was given, the environment, the file. stderr says which file was read."""
    merged = merged_settings(given, config, command)
    return Settled(request(merged.options, command, os.environ), merged.path)


def merged_settings(given: Mapping[str, Any], config: str | None, command: str) -> Merged:
    """The settings of one run, from all sources.

    A file that was found is always named on stderr, one that was given with ``--config`` unless ``--quiet`` is given.
    """
    merged = merge(given, environ=os.environ, config=config, command=command)
    if merged.path is not None and (merged.found or not merged.options.quiet):
        from scratchpack.report.text import escape

        line = f"settings: {escape(merged.path)}"
        if merged.idle:
            line += f" ({command.removesuffix('-image')} does not take {', '.join(sorted(merged.idle))})"
        print(line, file=sys.stderr)  # noqa: T201
    return merged


def pack_and_report(
    binaries: Sequence[str],
    given: Mapping[str, Any],
    config: str | None = None,
    run: tuple[Expectation, Tracing] | None = None,
) -> None:
    """Pack, after a run where one is asked for; the table on stderr, the paths written on stdout."""
    merged = merged_settings(given, config, "pack")
    if merged.options.each or merged.listed:
        if run is not None:
            raise UsageError(
                "cannot trace a fleet: a run is of one program",
                hint="trace each by itself with --trace-to FILE, and give the files to its image: trace-from",
            )
        from scratchpack.cli.fleet import fleet_and_report

        fleet_and_report(binaries, merged)
        return
    if not binaries:
        raise UsageError(
            f"cannot pack with {merged.path} alone: it lists no image",
            hint='name a program, or list images with [[image]] and binary = "PATH"',
        )
    asked, settings = request(merged.options, "pack", os.environ), merged.path
    rehearsal = None
    if run is not None:
        from scratchpack.cli.guest_output import passed_on
        from scratchpack.pipeline.runs.expectation import Rehearsal

        rehearsal = Rehearsal(*run, show=None if asked.quiet else passed_on(apart=True))
    from scratchpack.cli.progress import Progress
    from scratchpack.pipeline.pack import carry_out

    with Progress(asked.progress or "auto", quiet=asked.quiet) as progress:
        packed = carry_out(binaries, asked, settings=settings, progress=progress.step, rehearsal=rehearsal)
    if not asked.quiet:
        from scratchpack.report.packed import packed_table

        show(packed_table, packed, sys.stderr, dry_run=asked.dry_run, verbose=asked.verbose)
    say_receipts(packed.receipts)


def show(report: Callable[..., str], result: object, stream: TextIO, **how: bool) -> None:
    """Print a report as the stream takes it: in colour and folded on a terminal, in plain lines elsewhere."""
    from scratchpack.cli.terminal import colour, width

    stream.write(report(result, colour=colour(stream), width=width(stream), **how))
