"""Whether a look at a program's payload is worth its price: its two ends are read, nothing else is imported for it (N48)."""

from __future__ import annotations

from typing import BinaryIO

_TAIL = 65536  # bytes
_MARKS = (b"MEI\014\013\012\013\016", b"PK\x05\x06", b"\nPAR.pm\n", b"\n---- Bun! ----\n", b"d3n0l4nd")


def may_carry(stream: BinaryIO) -> bool:
    """Whether one of the marks stands at an end of the file."""
    size = stream.seek(0, 2)
    stream.seek(8)
    if stream.read(2) == b"AI":
        return True
    stream.seek(max(0, size - _TAIL))
    tail = stream.read(_TAIL)
    return any(mark in tail for mark in _MARKS)
