"""Data behind the end of an ELF file: what neither the kernel nor a debugger knows of (N48)."""

from __future__ import annotations

from typing import BinaryIO

from scratchpack.elf.image import ElfImage
from scratchpack.elf.sections import read_sections
from scratchpack.record import NamedTuple
from scratchpack.scripts.bundles.hint import SLACK


class Overlay(NamedTuple):
    """Where the ELF file ends, and how many bytes follow."""

    start: int
    size: int


def overlay(stream: BinaryIO, origin: str) -> Overlay | None:
    """The foreign data at the end of an ELF file, if it is more than padding.

    Raises:
        ElfError: not an ELF file, or one that contradicts itself.
    """
    image = ElfImage(stream, origin)
    header = image.header
    end = max((s.offset + s.filesz for s in image.segments), default=0)
    sections = read_sections(image)
    end = max(end, header.shoff + header.shnum * header.shentsize if header.shnum else 0)
    end = max([end, *(s.offset + s.size for s in sections)])
    return Overlay(end, image.size - end) if 0 < end < image.size - SLACK else None
