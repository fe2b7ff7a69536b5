"""What a program writes while it is run: pieces come as it writes them, and go on to a person at once. No click here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def passed_on(*, apart: bool) -> Callable[[str, bytes], None]:
    """Who writes what the program writes, as it comes; ``apart``: all of it on stderr, for stdout is a document's."""

    def write(name: str, piece: bytes) -> None:
        stream = sys.stdout if name == "out" and not apart else sys.stderr
        stream.flush()
        stream.buffer.write(piece)
        stream.flush()

    return write
