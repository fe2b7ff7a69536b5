"""What the Go linker leaves in a program: how it was built, and the names of its functions."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from scratchpack.elf.image import MAX_STRING, PT_LOAD
from scratchpack.elf.scan import PF_W, PF_X, merged
from scratchpack.elf.sections import read_sections
from scratchpack.pattern import pattern
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator

    from scratchpack.elf.image import ElfImage
    from scratchpack.elf.model import Note

MAX_BUILD_INFO = 16 << 20  # bytes of the module list
MAX_NAMES = 48 << 20  # bytes of function names; a program of 250 MB has 20 MB
MAX_LISTED = 65536  # names that one prefix may give
PIECE = 1 << 20
_MAGIC = pattern(rb"\xff Go buildinf:")
_LONGEST = 14  # bytes of the longest thing searched for: pieces overlap by one less
_SENTINEL = 16  # bytes around the module list
_NOTE_OWNER, _NOTE_BUILD_ID = b"Go", 4
TABLE_SECTION = ".gopclntab"
# pclntab magic -> machine words between its 8-byte head and the offset of the function names
_TABLES = {0xFFFFFFF1: 3, 0xFFFFFFF0: 3, 0xFFFFFFFA: 2}
_LIKELY = (".data.rel.ro", ".rodata")  # where an external linker puts the table; the whole segments come after
# the magics differ in their low byte; the rest is searched for as one literal, which is what ``re`` finds fastest
_TABLE_LITTLE = pattern(rb"\xff\xff\xff\0\0[\1\2\4][\4\x08]")
_TABLE_BIG = pattern(rb"\xff\xff\xff[\xf1\xf0\xfa]\0\0[\1\2\4][\4\x08]")


class GoModule(NamedTuple):
    """One module of the build, its replacement named where there is one."""

    path: str
    version: str
    replaced_by: str = ""


class GoBuild(NamedTuple):
    """The build information that the Go linker embeds (``go version -m``)."""

    version: str  # "go1.24.1"
    path: str  # the main package
    main: GoModule | None
    dependencies: tuple[GoModule, ...]
    settings: tuple[tuple[str, str], ...]  # ("CGO_ENABLED", "0"), ("-tags", …); no evidence of libc (R17 is)


def read_build(image: ElfImage) -> GoBuild | None:
    """The build information, or ``None`` where there is none (not Go, or before 1.13)."""
    for offset, size in (*merged(image, _info_sections(image)), *merged(image, _info_segments(image))):
        for at in _occurrences(image, offset, size, _MAGIC):
            image.budget.step(2)
            if at % 16 == 0 and at + 32 <= image.size:
                return _build(image, at)
    return None


def function_names(image: ElfImage) -> FunctionNames | None:
    """The names of all Go functions; they survive ``-s -w`` and ``strip``. ``None`` without a function table."""
    for at in _table_places(image):
        image.budget.step(8)
        names = _names(image, at)
        if names is not None:
            return FunctionNames(names)
    return None


class FunctionNames:
    """The name table as one run of bytes, NUL between names."""

    def __init__(self, table: bytes) -> None:
        self._table = table  # tens of MB: never copied

    def has(self, name: str) -> bool:
        """Is there a function of exactly this name, such as ``net/http.(*Transport).roundTrip``?"""
        ended = name.encode() + b"\0"
        return self._table.startswith(ended) or b"\0" + ended in self._table

    def starting(self, prefix: str) -> Iterator[str]:
        """All names that start so."""
        head, left = prefix.encode(), MAX_LISTED
        start = 0 if self._table.startswith(head) else self._table.find(b"\0" + head) + 1
        while start or self._table.startswith(head):
            end = self._table.find(b"\0", start)
            left -= 1
            if left < 0 or end - start > MAX_STRING:
                return
            yield self._table[start:end].decode("utf-8", "backslashreplace")
            start = self._table.find(b"\0" + head, end) + 1
            if not start:
                return

    def among(self, names: Iterable[str]) -> frozenset[str]:
        """Those of ``names`` that are there; a trailing ``*`` stands for any end and gives the full names."""
        names = tuple(names)
        found = {name for name in names if not name.endswith("*") and self.has(name)}
        return frozenset(found.union(*(self.starting(name[:-1]) for name in names if name.endswith("*"))))

    def __len__(self) -> int:
        return self._table.count(b"\0")


def _info_sections(image: ElfImage) -> Iterator[tuple[int, int]]:
    for section in read_sections(image):
        if section.name == ".go.buildinfo":
            yield section.offset, min(section.size, PIECE)


def _info_segments(image: ElfImage) -> Iterator[tuple[int, int]]:
    for load in image.segments:
        if load.type == PT_LOAD and load.flags & PF_W:
            yield load.offset, load.filesz


def _table_places(image: ElfImage) -> Iterator[int]:
    sections = read_sections(image)
    yield from sorted({section.offset for section in sections if section.name.endswith(TABLE_SECTION)})
    loads = [load for load in image.segments if load.type == PT_LOAD]
    little = image.header.byte_order == "little"
    head, shift = (_TABLE_LITTLE, 1) if little else (_TABLE_BIG, 0)
    places = merged(image, ((section.offset, section.size) for section in sections if section.name in _LIKELY))
    places += merged(image, ((load.offset, load.filesz) for load in loads if not load.flags & PF_X))
    places += merged(image, ((load.offset, load.filesz) for load in loads if load.flags & PF_X))
    for offset, size in places:
        for at in _occurrences(image, offset, size, head):
            if (at - shift) % 8 == 0:
                yield at - shift


def _occurrences(image: ElfImage, offset: int, size: int, needle: re.Pattern[bytes]) -> Iterator[int]:
    end = min(offset + size, image.size)
    for start in range(offset, end, PIECE):
        data = image.read(start, min(end, start + PIECE + _LONGEST - 1) - start, "a segment")
        yield from (start + hit.start() for hit in needle.finditer(data))


def _names(image: ElfImage, at: int) -> bytes | None:
    """funcnametab: from the offset of the names to the offset of the file table's index; checked, for it was guessed."""
    if at + 80 > image.size:
        return None
    head = image.read(at, 80, "the Go function table")
    prefix = image.header.prefix
    magic, zero, quantum, pointer = struct.unpack(prefix + "IHBB", head[:8])
    if magic not in _TABLES or zero or quantum not in (1, 2, 4) or pointer != image.header.bits // 8:
        return None
    word = "Q" if pointer == 8 else "I"
    names, units = struct.unpack_from(f"{prefix}2{word}", head, 8 + _TABLES[magic] * pointer)
    if not 0 < names < units <= names + MAX_NAMES or at + units > image.size:
        return None
    image.budget.keep(units - names)
    return image.read(at + names, units - names, "the Go function names")


def _build(image: ElfImage, at: int) -> GoBuild | None:
    head = image.read(at, 32, "the Go build information")
    if head[15] & 2:
        version, place = _counted(image, at + 32)
        text, _ = _counted(image, place)
    else:  # before Go 1.18: two pointers to Go strings
        pointer = head[14]
        if pointer not in (4, 8):
            return None
        prefix = ">" if head[15] & 1 else "<"
        layout = prefix + ("Q" if pointer == 8 else "I")
        version, text = (
            _pointed(image, struct.unpack_from(layout, head, 16 + number * pointer)[0], layout, pointer)
            for number in (0, 1)
        )
    if len(text) >= 2 * _SENTINEL + 1 and text[-_SENTINEL - 1 : -_SENTINEL] == b"\n":
        text = text[_SENTINEL:-_SENTINEL]
    else:
        text = b""
    return _parse(version.decode("utf-8", "backslashreplace"), text.decode("utf-8", "backslashreplace"))


def _counted(image: ElfImage, at: int) -> tuple[bytes, int]:
    """A string after its length as a uvarint, and where the next thing starts."""
    length = shift = 0
    for byte in image.read(at, min(10, image.size - at), "the Go build information"):
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if length > MAX_BUILD_INFO:
        raise image.fail("its Go build information is too long")
    return image.read(at, length, "the Go build information"), at + length


def _pointed(image: ElfImage, address: int, layout: str, pointer: int) -> bytes:
    """A Go string by the address of its (data, length) pair; empty for a null pointer."""
    if address == 0:
        return b""
    pair = image.at(address, 2 * pointer, "the Go build information")
    data, length = (struct.unpack_from(layout, pair, number * pointer)[0] for number in (0, 1))
    if length > MAX_BUILD_INFO:
        raise image.fail("its Go build information is too long")
    return image.at(data, length, "the Go build information") if length else b""


def _parse(version: str, text: str) -> GoBuild:
    path, main = "", None
    dependencies: list[GoModule] = []
    settings: list[tuple[str, str]] = []
    for line in text.split("\n"):
        kind, *words = line.split("\t")
        match kind, words:
            case "path", [path]:
                pass
            case "mod", [name, release, *_]:
                main = GoModule(name, release)
            case "dep", [name, release, *_]:
                dependencies.append(GoModule(name, release))
            case "=>", [name, release, *_] if dependencies:
                dependencies[-1] = dependencies[-1]._replace(replaced_by=f"{name} {release}".rstrip())
            case "build", [setting]:
                key, _, value = setting.partition("=")
                settings.append((key.strip('"'), value.strip('"')))
    return GoBuild(version, path, main, tuple(dependencies), tuple(settings))


def has_note(notes: Iterable[Note]) -> bool:
    """Whether one of a file's notes is the Go linker's build id."""
    return any(note.owner == _NOTE_OWNER and note.type == _NOTE_BUILD_ID for note in notes)
