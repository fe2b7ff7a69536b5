"""Whether a look at a program's payload is worth its price: its two ends and its program headers are read, nothing else is imported for it (N48)."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from scratchpack.elf.image import PT_LOAD, PT_NOTE, ElfImage
from scratchpack.errors import ElfError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.elf.image import Segment

_TAIL = 65536  # bytes
_MARKS = (b"MEI\014\013\012\013\016", b"PK\x05\x06", b"\nPAR.pm\n", b"\n---- Bun! ----\n", b"d3n0l4nd")
NODE_NOTE = b"NODE_SEA_BLOB\0"  # the name of the note that a Node single executable finds its program by
BUN = b"\n---- Bun! ----\n"
_NOTES, _DATA = 4096, 8192  # bytes of a note, and of the end of the data, in which a mark stands
_WRITABLE = 2
SLACK = 4096  # bytes: padding to a page is no payload


def may_carry(stream: BinaryIO, origin: str) -> bool:
    """Whether a mark stands at an end of the file, of its data or in a note, or something follows its headers."""
    size = stream.seek(0, 2)
    stream.seek(8)
    if stream.read(2) == b"AI":
        return True
    stream.seek(max(0, size - _TAIL))
    tail = stream.read(_TAIL)
    if any(mark in tail for mark in _MARKS):
        return True
    try:
        image = ElfImage(stream, origin)
        return has_node_note(image) or has_bun_data(image) or _goes_on(image)
    except ElfError:
        return False


def has_node_note(image: ElfImage) -> bool:
    """Whether a note is a Node program (Node's documentation: "Single executable applications", postject)."""
    return any(NODE_NOTE in piece for piece in _starts(image))


def has_bun_data(image: ElfImage) -> bool:
    """Whether the data ends with bun's trailer; older ones have it at the end of the file."""
    return any(
        BUN in image.read(end - size, size, "the end of the data")
        for end, size in ((s.offset + s.filesz, min(s.filesz, _DATA)) for s in writable(image))
    )


def writable(image: ElfImage) -> Iterator[Segment]:
    """The segments of variables that lie within the file."""
    for segment in image.segments:
        if segment.type == PT_LOAD and segment.flags & _WRITABLE and segment.offset + segment.filesz <= image.size:
            yield segment


def _starts(image: ElfImage) -> Iterator[bytes]:
    for segment in image.segments:
        if segment.type == PT_NOTE and segment.offset + segment.filesz <= image.size:
            yield image.read(segment.offset, min(segment.filesz, _NOTES), "a note")


def _goes_on(image: ElfImage) -> bool:
    """Whether more than padding follows what the headers name; most linkers write the section headers last."""
    header = image.header
    ends = (*(s.offset + s.filesz for s in image.segments), header.shoff + header.shnum * header.shentsize)
    return image.size - max(ends) > SLACK
