"""Section headers: advisory, never a reason for a decision of the loader's (S2). What makes no sense reads as nothing."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from scratchpack.elf.image import MAX_STRING
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from scratchpack.elf.image import ElfImage

MAX_SECTIONS = 65536
MAX_NAMES = 4 << 20  # bytes of the table of section names
SHT_NOBITS = 8

_SECTION = {32: "IIIIIIIIII", 64: "IIQQQQIIQQ"}


class Section(NamedTuple):
    """One section's place in the file, in bytes. ``size`` is 0 for a section without content there."""

    name: str
    type: int
    address: int
    offset: int
    size: int


def read_sections(image: ElfImage) -> tuple[Section, ...]:
    """The sections in file order; empty when the headers were stripped or contradict the file."""
    header = image.header
    layout = struct.Struct(header.prefix + _SECTION[header.bits])
    if header.shoff == 0 or header.shentsize != layout.size or header.shoff + layout.size > image.size:
        return ()
    count, names_at = header.shnum, header.shstrndx
    first = layout.unpack(image.read(header.shoff, layout.size, "a section header"))
    count = count or first[5]  # more than 65279 sections: the counts stand in the first one
    names_at = first[6] if names_at == 0xFFFF else names_at
    if not names_at < count <= MAX_SECTIONS or header.shoff + layout.size * count > image.size:
        return ()
    rows = tuple(layout.iter_unpack(image.read(header.shoff, layout.size * count, "the section headers")))
    table = _content(image, rows[names_at][4], min(rows[names_at][5], MAX_NAMES))
    image.budget.step(8 * count)  # linkers make a hundred at most, and several views read them
    names: dict[int, str] = {}  # by offset: thousands of sections may share one name
    for at in {row[0] for row in rows}:
        names[at] = _name(table, at)
        image.budget.keep(len(names[at]))
    return tuple(
        Section(names[row[0]], row[1], row[3], row[4], 0 if row[1] == SHT_NOBITS else row[5]) for row in rows[1:]
    )


def section_bytes(image: ElfImage, name: str, limit: int) -> bytes:
    """The first ``limit`` bytes of the first section of this name; empty without one."""
    for section in read_sections(image):
        if section.name == name:
            return _content(image, section.offset, min(section.size, limit))
    return b""


def _content(image: ElfImage, offset: int, size: int) -> bytes:
    size = min(size, image.size - offset)
    return image.read(offset, size, "a section") if size > 0 else b""


def _name(names: bytes, at: int) -> str:
    """A name of at most 4 KiB; what is longer, or has no end, is none."""
    end = names.find(b"\0", at, at + MAX_STRING)
    return names[at:end].decode("utf-8", "backslashreplace") if end >= 0 else ""
