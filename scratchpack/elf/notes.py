"""Notes: small typed records in PT_NOTE segments. Advisory, so a malformed one ends the list and is no error."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from scratchpack.elf.model import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scratchpack.elf.image import ElfImage, Segment

MAX_NOTES_SIZE = 1 << 20  # bytes of one segment that are looked at
MAX_NOTES_TOTAL = 4 << 20  # bytes of all segments together
MAX_NOTES = 4096
MAX_BUILD_ID = 64  # bytes; linkers make 8 to 32
NT_GNU_BUILD_ID = 3


def notes_of(image: ElfImage, segments: Iterable[Segment]) -> Iterator[Note]:
    """Every well-formed note of these segments, in file order; segments over the same bytes count once.

    Raises:
        LimitError: more notes, or more bytes of them, than one file may have.
    """
    left, room = MAX_NOTES, MAX_NOTES_TOTAL
    seen: set[tuple[int, int]] = set()
    for segment in segments:
        size = min(segment.filesz, MAX_NOTES_SIZE, max(0, image.size - segment.offset))
        if size < 12 or (segment.offset, segment.align) in seen:
            continue
        seen.add((segment.offset, segment.align))
        room -= size
        if room < 0:
            raise image.too_much(f"more than {MAX_NOTES_TOTAL} bytes of notes")
        data = image.read(segment.offset, size, "a note")
        for note in parse_notes(data, image.header.prefix, 8 if segment.align == 8 else 4):
            left -= 1
            if left < 0:
                raise image.too_much(f"more than {MAX_NOTES} notes")
            image.budget.step()
            yield note


def parse_notes(data: bytes, prefix: str, align: int) -> Iterator[Note]:
    """The notes in one run of bytes; ``align`` (4 or 8) is where a record and its description start."""
    head = struct.Struct(prefix + "III")
    at = 0
    while at + head.size <= len(data):
        name_size, desc_size, kind = head.unpack_from(data, at)
        desc = -(-(at + head.size + name_size) // align) * align
        if desc + desc_size > len(data):
            return
        owner = data[at + head.size : at + head.size + name_size].rstrip(b"\0")
        yield Note(owner, kind, data[desc : desc + desc_size])
        at = -(-(desc + desc_size) // align) * align


def build_id(notes: Iterable[Note]) -> str | None:
    """The GNU build id in hexadecimal digits."""
    for note in notes:
        if note.type == NT_GNU_BUILD_ID and note.owner == b"GNU" and 0 < len(note.desc) <= MAX_BUILD_ID:
            return note.desc.hex()
    return None
