"""Dynamic symbols, found as the loader finds them: DT_SYMTAB, DT_STRTAB and a hash table, without section headers."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, NamedTuple

from scratchpack.elf.image import MAX_STRING, PT_INTERP
from scratchpack.elf.machines import EM_MIPS, EM_S390

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scratchpack.elf.image import ElfImage

MAX_SYMBOLS = 1 << 20
MAX_STRINGS = 64 << 20  # bytes of the string table that are looked at
DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ = 4, 5, 6, 10
DT_GNU_HASH, DT_MIPS_SYMTABNO = 0x6FFFFEF5, 0x70000011
STB_LOCAL, STB_WEAK = 0, 2
_NAME_OVERHEAD = 64  # bytes that a name takes besides its letters
_AT_ONCE = 4096  # names
_SPARSE = 16384  # bytes of string table for each wanted name, above which names are read one by one

# (format of name, info and section index, byte of the section index)
_SYMBOL = {32: ("I8xBxH", 14), 64: ("IBxH16x", 6)}


class Imports(NamedTuple):
    """Undefined symbols, names through ``os.fsdecode``, without versions."""

    names: frozenset[str]  # what the loader must find elsewhere
    weak: frozenset[str]  # those of ``names`` that may stay undefined


def read_imports(image: ElfImage) -> Imports:
    """The undefined dynamic symbols of a file.

    Raises:
        ElfError: tables outside the segments, or too many symbols.
    """
    table = _Table(image)
    library = all(segment.type != PT_INTERP for segment in image.segments)
    rows = tuple(dict.fromkeys(table.undefined(unhashed=library)))  # a million symbols may share one name
    names = table.names([at for at, _ in rows])
    weak = frozenset(name for name, (_, binding) in zip(names, rows, strict=True) if binding == STB_WEAK)
    return Imports(frozenset(names), weak)


def read_exports(image: ElfImage) -> frozenset[str]:
    """The dynamic symbols that a file defines for others.

    Raises:
        ElfError: as :func:`read_imports`.
    """
    table = _Table(image)
    return frozenset(table.names(list({at for at, binding in table.defined() if binding != STB_LOCAL})))


class _Table:
    """The symbol table and its names; without DT_SYMTAB it has no rows."""

    def __init__(self, image: ElfImage) -> None:
        self._image = image
        self._tags = dict(image.dynamic() or ())

    def undefined(self, *, unhashed: bool = False) -> Iterator[tuple[int, int]]:
        """(offset of the name, binding) of every undefined symbol with a name.

        With ``unhashed`` only those before the first that a GNU hash table holds: nobody looks an undefined symbol up
        there, so linkers sort them first, and a library with 40,000 exports and 300 imports costs the 300. A program
        may hash an undefined function whose address it takes.
        """
        record = self._record()
        data = self._records(record.size, unhashed=unhashed)
        if unhashed:  # nearly all of these are undefined
            return ((name, info >> 4) for name, info, section in record.iter_unpack(data) if name and not section)
        # a Go program may export 100,000 symbols and import 100: the section indexes alone tell which to unpack
        sections = memoryview(data).cast("H")[_SYMBOL[self._image.header.bits][1] // 2 :: record.size // 2].tobytes()
        rows = (record.unpack_from(data, number * record.size) for number in _zeros(sections))
        return ((name, info >> 4) for name, info, _ in rows if name)

    def defined(self) -> Iterator[tuple[int, int]]:
        """(offset of the name, binding) of every defined symbol with a name."""
        record = self._record()
        data = self._records(record.size, unhashed=False)
        return ((name, info >> 4) for name, info, section in record.iter_unpack(data) if name and section)

    def _record(self) -> struct.Struct:
        """The layout of a record: (offset of the name, info, section index) are unpacked."""
        return struct.Struct(self._image.header.prefix + _SYMBOL[self._image.header.bits][0])

    def _records(self, size: int, *, unhashed: bool) -> bytes:
        if DT_SYMTAB not in self._tags or DT_STRTAB not in self._tags:
            return b""
        count = _count(self._image, self._tags, size)
        if count > MAX_SYMBOLS:
            raise self._image.fail(f"more than {MAX_SYMBOLS} dynamic symbols")
        if unhashed and DT_GNU_HASH in self._tags and self._image.header.machine != EM_MIPS:
            head = self._image.at(self._tags[DT_GNU_HASH], 8, "the hash table")
            count = min(count, struct.unpack(f"{self._image.header.prefix}2I", head)[1])
        self._image.budget.step(count)
        return self._image.at(self._tags[DT_SYMTAB], count * size, "the symbol table") if count else b""

    def names(self, offsets: Sequence[int]) -> tuple[str, ...]:
        """The names at these offsets of the string table, in their order."""
        if not offsets:
            return ()
        size = min(self._tags.get(DT_STRSZ, MAX_STRINGS), MAX_STRINGS)
        size = self._image.extent(self._tags[DT_STRTAB], size, "the string table")
        if max(offsets) >= size:
            raise self._image.fail("a symbol's name is outside the string table")
        if len(offsets) * _SPARSE < size:
            found = [self._image.string(self._tags[DT_STRTAB] + at, "a symbol's name") for at in offsets]
        else:
            strings = self._image.at(self._tags[DT_STRTAB], size, "the string table")
            ends = [strings.find(b"\0", at, at + MAX_STRING) for at in offsets]
            if min(ends) < 0:
                raise self._image.fail(f"a symbol's name is not ended within {MAX_STRING} bytes")
            self._image.budget.keep(sum(ends) - sum(offsets) + _NAME_OVERHEAD * len(ends))  # before any copy is made
            found = [strings[at:end] for at, end in zip(offsets, ends, strict=True)]
        names: list[str] = []
        for at in range(0, len(found), _AT_ONCE):  # decoded together, which is faster
            names += os.fsdecode(b"\0".join(found[at : at + _AT_ONCE])).split("\0")
        return tuple(names)


def _zeros(words: bytes) -> Iterator[int]:
    """The numbers of the two-byte words that are 0."""
    at = words.find(b"\0\0")
    while at >= 0:
        if at % 2 == 0:
            yield at // 2
        at = words.find(b"\0\0", at + 2 - at % 2)


def _count(image: ElfImage, tags: dict[int, int], record_size: int) -> int:
    """How many symbols there are: only the hash tables know, and an empty one does not."""
    if image.header.machine == EM_MIPS and DT_MIPS_SYMTABNO in tags:
        return tags[DT_MIPS_SYMTABNO]
    if DT_HASH in tags:
        return _sysv_count(image, tags[DT_HASH])
    count = _gnu_count(image, tags[DT_GNU_HASH]) if DT_GNU_HASH in tags else 0
    if count <= 1 and tags[DT_STRTAB] > tags[DT_SYMTAB]:
        # nothing is exported: GNU ld then writes a table that begins at 1, and puts the strings behind the symbols
        return (tags[DT_STRTAB] - tags[DT_SYMTAB]) // record_size
    return count


def _sysv_count(image: ElfImage, address: int) -> int:
    """The length of the chain: the table's second word. On s390x words have 64 bits, but for LLVM's linker."""
    prefix = image.header.prefix
    if image.header.machine == EM_S390 and image.header.bits == 64:
        buckets, count = struct.unpack(f"{prefix}2Q", image.at(address, 16, "the hash table"))
        if buckets < 1 << 32:
            return int(count)
    return int(struct.unpack(f"{prefix}2I", image.at(address, 8, "the hash table"))[1])


def _gnu_count(image: ElfImage, address: int) -> int:
    """The last chain of a GNU hash table ends with the last symbol; its last word is odd."""
    prefix = image.header.prefix
    buckets, first, bloom, _ = struct.unpack(f"{prefix}4I", image.at(address, 16, "the hash table"))
    if buckets > MAX_SYMBOLS or first > MAX_SYMBOLS:
        raise image.fail(f"more than {MAX_SYMBOLS} dynamic symbols")
    at = address + 16 + bloom * image.header.bits // 8
    words = image.at(at, 4 * buckets, "the hash table") if buckets else b""
    last: int = max(struct.unpack(f"{prefix}{buckets}I", words), default=0)
    if last < first:
        return int(first)
    address = at + 4 * buckets + 4 * (last - first)
    while last < MAX_SYMBOLS:
        words = image.upto(address, 4096, "the hash table")
        for (word,) in struct.iter_unpack(f"{prefix}I", words[: len(words) // 4 * 4]):
            last += 1
            if word & 1:
                return last
        address += len(words)
        if len(words) < 4096:
            break
    raise image.fail(f"a hash table without an end, or more than {MAX_SYMBOLS} dynamic symbols")
