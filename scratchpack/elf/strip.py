"""What of an ELF file neither the kernel nor the loader reads: the file goes in, where it may end and its new header come out.

The file may end after the last byte that a program header, or the program header table, names: as ``sstrip`` does it. Symbols, debug
sections and the section headers go; segments, notes (the build-id) and the dynamic section stay, byte for byte.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.elf.image import ElfImage
from scratchpack.elf.sections import read_sections
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scratchpack.elf.sections import Section

_ET_EXEC, _ET_DYN = 2, 3
_FIELDS = {64: ((0x28, 8), (0x3A, 6)), 32: ((0x20, 4), (0x2E, 6))}  # e_shoff; e_shentsize, e_shnum, e_shstrndx
_HEADER_SIZE = {64: 64, 32: 52}
_SLACK = 4096  # bytes: padding to a page, all zero, is nobody's data
# elf.h; what linkers and compilers write for linkers and debuggers: symbols, strings, relocations, groups, attributes (ARM, RISC-V)
_TABLES = frozenset({2, 3, 4, 9, 17, 18, 0x70000003, 0x6FFFFFF5})
_NOTES = 7
# any other section may be the program's own data, which it reads from its file: PyInstaller's is "pydata", bun's ".bun"
_NAMES = (".debug_", ".zdebug_", ".gnu.debuglto_", ".gnu.lto_", ".stab", ".gnu.build.attributes")
_EXACT = frozenset(
    {".comment", ".gnu_debuglink", ".gnu_debugaltlink", ".gnu_debugdata", ".gdb_index", ".mdebug", ".pdr", ".GCC.command.line"}
)  # fmt: skip


class Cut(NamedTuple):
    """Where a file may end. ``foreign`` says what stands behind and is no symbol or debug section; empty: it may be cut."""

    size: int  # bytes of the whole file
    end: int
    header: bytes  # the first bytes, without section headers
    foreign: str

    def open(self, whole: Callable[[], BinaryIO]) -> BinaryIO:
        """The shorter file, read from the whole one."""
        return io.BufferedReader(_Shorter(whole(), self))


def cut(stream: BinaryIO, origin: str) -> Cut | None:
    """Where an executable or shared object may end; ``None`` for any other ELF file, which is read by its sections.

    Raises:
        ElfError: not ELF, or it contradicts itself.
        LimitError: it costs too much to read.
    """
    image = ElfImage(stream, origin)
    header = image.header
    if header.type not in {_ET_EXEC, _ET_DYN} or not header.phnum:
        return None
    end = max(_HEADER_SIZE[header.bits], header.phoff + header.phnum * header.phentsize)
    end = min(max([end, *(s.offset + s.filesz for s in image.segments if s.filesz)]), image.size)
    first = bytearray(image.read(0, _HEADER_SIZE[header.bits], "the header"))
    for at, size in _FIELDS[header.bits]:
        first[at : at + size] = bytes(size)
    return Cut(image.size, end, bytes(first), _foreign(image, end))


def _foreign(image: ElfImage, end: int) -> str:
    sections = [section for section in read_sections(image) if section.size and section.offset + section.size > end]
    for section in sections:
        if not _is_known(section):
            return f"its section {section.name}, of {section.size} bytes, is in no segment and is no symbol table"
    header = image.header
    table = header.shoff + header.shentsize * max(header.shnum, len(read_sections(image)) + 1) if header.shoff else 0
    known = sorted([*((s.offset, s.offset + s.size) for s in sections), (header.shoff, table)])
    for start, stop in _between(known, end, image.size):
        if stop - start >= _SLACK or any(image.read(start, stop - start, "padding")):
            return f"{stop - start} bytes from byte {start} on are in no segment and no section"
    return ""


def _is_known(section: Section) -> bool:
    return (
        section.type in _TABLES or section.name.startswith(_NAMES) or section.name in _EXACT or section.type == _NOTES
    )


def _between(known: list[tuple[int, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    """What of a range none of the known ones covers."""
    for first, last in known:
        if first > start:
            yield start, min(first, end)
        start = max(start, last)
        if start >= end:
            return
    yield start, end


class _Shorter(io.RawIOBase):
    """A file that ends earlier and has another header."""

    def __init__(self, whole: BinaryIO, cut: Cut) -> None:
        self._whole, self._cut, self._at = whole, cut, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + {0: 0, 1: self._at, 2: self._cut.end}[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        header = self._cut.header
        if self._at < len(header):
            data = header[self._at : self._at + len(buffer)]
        else:
            self._whole.seek(self._at)
            data = self._whole.read(min(len(buffer), max(0, self._cut.end - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._whole.close()
        super().close()
