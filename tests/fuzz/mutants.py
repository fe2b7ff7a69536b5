"""Damage that knows what an ELF file is made of: each field of each header at its boundary values, alone and in pairs."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
_HEADER = {  # (offset, size) behind e_ident
    64: ((16, 2), (18, 2), (20, 4), (24, 8), (32, 8), (40, 8), (48, 4), (52, 2), (54, 2), (56, 2), (58, 2), (60, 2), (62, 2)),
    32: ((16, 2), (18, 2), (20, 4), (24, 4), (28, 4), (32, 4), (36, 4), (40, 2), (42, 2), (44, 2), (46, 2), (48, 2), (50, 2)),
}  # fmt: skip
_PROGRAM = {
    64: ((0, 4), (4, 4), (8, 8), (16, 8), (24, 8), (32, 8), (40, 8), (48, 8)),
    32: tuple((at, 4) for at in range(0, 32, 4)),
}
_SECTION = {
    64: ((0, 4), (4, 4), (8, 8), (16, 8), (24, 8), (32, 8), (40, 4), (44, 4), (48, 8), (56, 8)),
    32: tuple((at, 4) for at in range(0, 40, 4)),
}
_ROW = {64: (56, 64, 16), 32: (32, 40, 8)}  # bytes of a program header, a section header, a dynamic entry


class Field(NamedTuple):
    """One number of the file: where it stands, and its size in bytes."""

    offset: int
    size: int


class Seed(NamedTuple):
    """A whole file and the places of all its numbers."""

    data: bytes
    bits: int
    mark: str  # byte order, as struct writes it
    fields: tuple[Field, ...]
    rows: tuple[int, ...]  # offsets of the program headers
    entries: tuple[int, ...]  # offsets of the dynamic entries
    edges: tuple[int, ...]  # where something begins or ends: where to cut


def seed(data: bytes) -> Seed:
    """Find the fields of a file that holds together."""
    bits, mark = 32 * data[4], "<" if data[5] == 1 else ">"
    word = "Q" if bits == 64 else "I"
    row, section, entry = _ROW[bits]
    phoff, shoff = struct.unpack_from(mark + 2 * word, data, 32 if bits == 64 else 28)
    phnum, _, shnum = struct.unpack_from(mark + "3H", data, 56 if bits == 64 else 44)
    rows = tuple(phoff + row * number for number in range(phnum))
    fields = [Field(at, 1) for at in range(4, 16)] + [Field(*place) for place in _HEADER[bits]]
    fields += [Field(at + offset, size) for at in rows for offset, size in _PROGRAM[bits]]
    fields += [Field(shoff + section * n + offset, size) for n in range(shnum) for offset, size in _SECTION[bits]]
    edges = {4, 16, phoff, phoff + row * phnum, shoff, len(data)}
    entries: list[int] = []
    for at in rows:
        kind, offset, size = _segment(data, bits, mark, at)
        edges |= {offset, offset + size}
        if kind == PT_DYNAMIC:
            entries = list(range(offset, offset + size - entry + 1, entry))
    half = entry // 2
    fields += [Field(at + part, half) for at in entries for part in (0, half)]
    for at in entries:  # the loader's tables begin with counts and distances
        tag, value = struct.unpack_from(f"{mark}2{word}", data, at)
        if tag in (4, 0x6FFFFEF5, 0x6FFFFFFC, 0x6FFFFFFE) and value + 64 < len(data):
            fields += [Field(value + 4 * number, 4) for number in range(12)]
    fits = tuple(field for field in fields if field.offset + field.size <= len(data))
    return Seed(
        data, bits, mark, fits, rows, tuple(entries), tuple(sorted(edge for edge in edges if edge <= len(data)))
    )


def names_an_interpreter(data: bytes) -> bool:
    """Whether the kernel would start a loader: a reading of PT_INTERP that shares nothing with ours."""
    if len(data) < 64 or data[4] not in (1, 2) or data[5] not in (1, 2):
        return False
    bits, mark = 32 * data[4], "<" if data[5] == 1 else ">"
    (phoff,) = struct.unpack_from(mark + ("Q" if bits == 64 else "I"), data, 32 if bits == 64 else 28)
    (phnum,) = struct.unpack_from(mark + "H", data, 56 if bits == 64 else 44)
    places = [phoff + _ROW[bits][0] * number for number in range(phnum)]
    return any(at + 56 <= len(data) and _segment(data, bits, mark, at)[0] == PT_INTERP for at in places)


def _segment(data: bytes, bits: int, mark: str, at: int) -> tuple[int, int, int]:
    """(type, offset, size in the file) of a program header."""
    if bits == 64:
        kind, _, offset, _, _, size = struct.unpack_from(mark + "IIQQQQ", data, at)
    else:
        kind, offset, _, _, size = struct.unpack_from(mark + "5I", data, at)
    return int(kind), int(offset), int(size)


def boundary(chance: Random, file: Seed, size: int) -> int:
    """A number at which something changes: of its width, of the file's length, of a page, of another field."""
    other = chance.choice(file.fields)
    values = (
        0, 1, 2, 3, 4, 5, 7, 8, 0x7F, 0x80, 0xFF, 0xFFF, 0x1000, 0x1001, 0xFFFF, 0x10000,
        len(file.data), len(file.data) - 1, len(file.data) + 1, chance.choice(file.edges),
        int.from_bytes(file.data[other.offset : other.offset + other.size], "little" if file.mark == "<" else "big"),
        (1 << 8 * size - 1) - 1, 1 << 8 * size - 1, (1 << 8 * size) - 1, (1 << 8 * size) - 0x1000, chance.getrandbits(8 * size),
    )  # fmt: skip
    return chance.choice(values) & (1 << 8 * size) - 1


def _field(out: bytearray, chance: Random, file: Seed) -> None:
    field = chance.choice(file.fields)
    order = "little" if file.mark == "<" else "big"
    out[field.offset : field.offset + field.size] = boundary(chance, file, field.size).to_bytes(field.size, order)  # type: ignore[arg-type]


def _pair(out: bytearray, chance: Random, file: Seed) -> None:
    _field(out, chance, file)
    _field(out, chance, file)


def _cut(out: bytearray, chance: Random, file: Seed) -> None:
    edge = chance.choice((*file.edges, chance.randrange(len(out))))
    del out[max(4, edge + chance.choice((-1, 0, 1))) :]


def _overlap(out: bytearray, chance: Random, file: Seed) -> None:
    """One program header becomes another, or lies a few bytes beside it."""
    size = _ROW[file.bits][0]
    one, other = chance.choice(file.rows), chance.choice(file.rows)
    out[one : one + size] = out[other : other + size]
    if chance.random() < 0.5:
        at = Field(*chance.choice(_PROGRAM[file.bits]))
        out[one + at.offset] ^= 1 << chance.randrange(8)


def _alias(out: bytearray, chance: Random, file: Seed) -> None:
    """Many dynamic entries name one string, or stand in another's place."""
    if not file.entries:
        return
    size = _ROW[file.bits][2]
    source = chance.choice(file.entries)
    for at in chance.sample(file.entries, chance.randint(1, len(file.entries))):
        if at + size <= len(out) and source + size <= len(out):
            out[at : at + size] = out[source : source + size]


def _flip(out: bytearray, chance: Random, file: Seed) -> None:
    at = chance.randrange(min(len(out), chance.choice((64, 1024, 4096, len(out)))))
    out[at] ^= 1 << chance.randrange(8)


def _text(out: bytearray, chance: Random, file: Seed) -> None:
    """Letters become what a careless reader of names trips over."""
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(out))
        if 0x20 < out[at] < 0x7F:
            out[at] = chance.choice(b"/$:{}.\xff\xed\xb2\n\0")


WAYS: tuple[Callable[[bytearray, Random, Seed], None], ...] = (
    _field,
    _field,
    _pair,
    _cut,
    _overlap,
    _alias,
    _flip,
    _text,
)


def mutant(file: Seed, chance: Random) -> bytes:
    """One damaged file."""
    out = bytearray(file.data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        if len(out) <= max(64, file.fields[-1].offset):
            break
        chance.choice(WAYS)(out, chance, file)
    return bytes(out)
