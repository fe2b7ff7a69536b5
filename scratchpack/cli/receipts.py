"""Where results went, for the scripts that go on with them: receipts go in, one place a line comes out."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.sinks.model import Receipt


def say_receipts(receipts: Iterable[Receipt]) -> None:
    """Where things went, one a line; on stderr where an archive itself goes to stdout."""
    receipts = tuple(receipts)
    piped = any(receipt.dest == "-" for receipt in receipts)
    loaded: set[str | None] = set()
    for receipt in receipts:
        if receipt.type == "load":  # a line an image, under its first name: `docker run $(scratchpack -q ./app --load)`
            if receipt.digest in loaded:
                continue
            loaded.add(receipt.digest)
        if receipt.dest != "-":
            say_path(receipt.dest, sys.stderr if piped else sys.stdout)


def say_path(path: str, stream: TextIO | None = None) -> None:
    """One path a line on stdout: the very bytes for a program that reads them; on a terminal, which they would drive, escaped (S11)."""
    stream = stream or sys.stdout
    line = os.fsencode(path)
    if stream.isatty():
        from scratchpack.report.text import escape

        line = escape(path).encode()
    stream.buffer.write(line + b"\n")
    stream.buffer.flush()
