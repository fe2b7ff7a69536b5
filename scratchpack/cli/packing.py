"""What ``pack`` does once its words are parsed. No click here: one binary without an option does not pay for it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from scratchpack.config import merge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scratchpack.config import Options


def settle(given: Mapping[str, Any], config: str | None = None) -> Options:
    """The options of one run: what was given, the environment, the file; says on stderr which file was read."""
    options, path = merge(given, environ=os.environ, config=config)
    if path is not None and not options.quiet:
        from scratchpack.report.text import escape

        print(f"settings: {escape(path)}", file=sys.stderr)  # noqa: T201
    return options


def pack_and_report(binaries: Sequence[str], given: Mapping[str, Any], config: str | None = None) -> None:
    """Pack; the table on stderr, the paths written on stdout."""
    options = settle(given, config)
    from scratchpack.cli.progress import Progress
    from scratchpack.pipeline.pack import pack

    with Progress(options.progress or "auto", quiet=options.quiet) as progress:
        packed = pack(binaries, options, progress=progress.step)
    if not options.quiet:
        from scratchpack.report.text import packed_table

        sys.stderr.write(packed_table(packed, colour=sys.stderr.isatty(), dry_run=options.dry_run))
    piped = any(receipt.dest == "-" for receipt in packed.receipts)  # stdout is the archive then
    for receipt in packed.receipts:
        if receipt.dest != "-":
            say_path(receipt.dest, sys.stderr if piped else sys.stdout)


def say_path(path: str, stream: TextIO | None = None) -> None:
    """One path a line on stdout: the very bytes for a program that reads them; on a terminal, which they would drive, escaped (S11)."""
    from scratchpack.report.text import escape

    stream = stream or sys.stdout
    stream.buffer.write((escape(path).encode() if stream.isatty() else os.fsencode(path)) + b"\n")
    stream.buffer.flush()
