"""What ``pack`` does once its words are parsed: binaries and settings go in; outputs are written and reported. No click here: the short path does not import it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from scratchpack.record import NamedTuple
from scratchpack.request import request
from scratchpack.sources import merge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scratchpack.pipeline.runs.expectation import Expectation, Tracing
    from scratchpack.request.model import Request
    from scratchpack.sinks.model import Receipt


class Settled(NamedTuple):
    """What one run is asked for, and the settings file that had a say in it."""

    asked: Request
    settings: str | None


def settle(given: Mapping[str, Any], config: str | None = None, command: str = "pack") -> Settled:
    """The request of one run: what was given, the environment, the file. stderr says which file was read.

    A file that was found is always named, one that was given with ``--config`` unless ``--quiet`` is given.
    """
    merged = merge(given, environ=os.environ, config=config, command=command)
    if merged.path is not None and (merged.found or not merged.options.quiet):
        from scratchpack.report.text import escape

        line = f"settings: {escape(merged.path)}"
        if merged.idle:
            line += f" ({command.removesuffix('-image')} does not take {', '.join(sorted(merged.idle))})"
        print(line, file=sys.stderr)  # noqa: T201
    return Settled(request(merged.options, command, os.environ), merged.path)


def pack_and_report(
    binaries: Sequence[str],
    given: Mapping[str, Any],
    config: str | None = None,
    run: tuple[Expectation, Tracing] | None = None,
) -> None:
    """Pack, after a run where one is asked for; the table on stderr, the paths written on stdout."""
    asked, settings = settle(given, config)
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
    report_receipts(packed.receipts)


def report_receipts(receipts: Sequence[Receipt]) -> None:
    """The places that were written, one a line."""
    piped = any(receipt.dest == "-" for receipt in receipts)  # stdout is the archive then
    loaded: set[str | None] = set()
    for receipt in receipts:
        if receipt.type == "load":  # a line an image, under its first name: `docker run $(scratchpack -q ./app --load)`
            if receipt.digest in loaded:
                continue
            loaded.add(receipt.digest)
        if receipt.dest != "-":
            say_path(receipt.dest, sys.stderr if piped else sys.stdout)


def show(report: Callable[..., str], result: object, stream: TextIO, **how: bool) -> None:
    """Print a report as the stream takes it: in colour and folded on a terminal, in plain lines elsewhere."""
    from scratchpack.cli.terminal import colour, width

    stream.write(report(result, colour=colour(stream), width=width(stream), **how))


def say_path(path: str, stream: TextIO | None = None) -> None:
    """One path a line on stdout: the very bytes for a program that reads them; on a terminal, which they would drive, escaped (S11)."""
    stream = stream or sys.stdout
    line = os.fsencode(path)
    if stream.isatty():
        from scratchpack.report.text import escape

        line = escape(path).encode()
    stream.buffer.write(line + b"\n")
    stream.buffer.flush()
