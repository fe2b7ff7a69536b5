"""Small ELF files written byte by byte, for cases that no compiler makes."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

from scratchpack.elf.reader import read_elf

if TYPE_CHECKING:
    from scratchpack.elf.model import ElfFacts

BASE = 0x400000
LOAD, DYNAMIC, INTERP, NOTE = 1, 2, 3, 4
NEEDED, STRTAB, SONAME, RPATH, RUNPATH, FLAGS, FLAGS_1 = 1, 5, 14, 15, 29, 30, 0x6FFFFFFB
AUXILIARY, FILTER, AUDIT, DEPAUDIT = 0x7FFFFFFD, 0x7FFFFFFF, 0x6FFFFEFC, 0x6FFFFEFB
_NAMES = (NEEDED, SONAME, RPATH, RUNPATH, AUXILIARY, FILTER, AUDIT, DEPAUDIT)


def forge(
    tags: tuple[tuple[int, int | bytes], ...] | None = None,
    *,
    bits: int = 64,
    order: str = "little",
    machine: int = 62,
    kind: int = 3,
    interp: bytes | None = None,
    entry: int = 0,
    notes: bytes = b"",
    extra: tuple[tuple[int, int, int, int], ...] = (),
) -> bytes:
    """One segment that maps the whole file at BASE, then what is asked for.

    ``tags`` are dynamic entries; a ``bytes`` value becomes a string of the table. ``extra`` are further program
    headers (type, offset, address, size), put before the others.
    """
    mark = "<" if order == "little" else ">"
    word = "Q" if bits == 64 else "I"
    head, row = (64, 56) if bits == 64 else (52, 32)
    count = 1 + (tags is not None) + (interp is not None) + bool(notes) + len(extra)
    at = head + count * row
    strings = bytearray(b"\0")
    pairs: list[tuple[int, int]] = []
    for tag, value in tags or ():
        if isinstance(value, bytes):
            pairs.append((tag, len(strings)))
            strings += value + b"\0"
        else:
            pairs.append((tag, value))
    body = (interp or b"") + bytes(-(at + len(interp or b"")) % 8)
    strings_at = at + len(body)
    body += bytes(strings) + bytes(-(strings_at + len(strings)) % 8)
    dynamic_at = at + len(body)
    dynamic = b""
    if tags is not None:
        if not any(tag == STRTAB for tag, _ in pairs):
            pairs.append((STRTAB, BASE + strings_at))
        dynamic = b"".join(struct.pack(f"{mark}2{word}", *pair) for pair in [*pairs, (0, 0)])
    body += dynamic
    notes_at = at + len(body)
    body += notes
    size = at + len(body)
    rows = [*extra, (LOAD, 0, BASE, size)]
    if interp is not None:
        rows.append((INTERP, at, BASE + at, len(interp)))
    if tags is not None:
        rows.append((DYNAMIC, dynamic_at, BASE + dynamic_at, len(dynamic)))
    if notes:
        rows.append((NOTE, notes_at, BASE + notes_at, len(notes)))
    table = b"".join(_segment(mark, bits, *values) for values in rows)
    ident = b"\x7fELF" + bytes([bits // 32, 1 if order == "little" else 2, 1]) + bytes(9)
    header = struct.pack(
        f"{mark}HHI3{word}I6H", kind, machine, 1, entry, head, 0, 0, head, row, count, 0, 0, 0
    )  # fmt: skip
    return ident + header + table + body


def _segment(mark: str, bits: int, kind: int, offset: int, address: int, size: int) -> bytes:
    if bits == 64:
        return struct.pack(f"{mark}IIQQQQQQ", kind, 5, offset, address, address, size, size, 4096)
    return struct.pack(f"{mark}8I", kind, offset, address, address, size, size, 5, 4096)


def facts(data: bytes) -> ElfFacts:
    """What the reader makes of these bytes."""
    return read_elf(io.BytesIO(data), origin="forged")
