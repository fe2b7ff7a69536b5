"""PyInstaller's one-file programs: its archive's cookie and table of contents (``PyInstaller/archive/writers.py``, since 2.1).

The archive ends with a cookie: magic, length of the archive, offset and length of the table, Python's version, the name of its library. An entry of the table
is its own length, offset, length packed and unpacked, a flag for zlib, a type and a name; "b" is a shared object, "o" an option of the
bootloader. All numbers are big-endian. An archive without Python's library belongs to a folder: since 6.0 the option ``pyi-contents-directory`` names the
directory beside the program that holds everything else, before that it was the program's own.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.record import NamedTuple
from scratchpack.scripts.bundles.model import Bundle
from scratchpack.scripts.bundles.payload import MAX_MEMBER, inflate, outside
from scratchpack.scripts.text import ScriptError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"MEI\014\013\012\013\016"
MAX_TABLE = 8 << 20  # bytes
MAX_ENTRIES = 50_000
_COOKIE = struct.Struct("!8sIIII64s")
_ENTRY = struct.Struct("!IIIIBc")
_FOLDER = "pyi-contents-directory"
_TAIL = 1 << 20  # bytes from the end in which the cookie stands: a signature or section headers may follow it


class _Entry(NamedTuple):
    offset: int
    packed: int
    unpacked: int
    compressed: bool
    kind: bytes
    name: str


def pyinstaller(stream: BinaryIO, origin: str) -> Bundle | None:
    """The archive at the end of a program; ``None`` where there is no cookie.

    Raises:
        ScriptError: the cookie or the table contradicts the file.
    """
    size = stream.seek(0, 2)
    start = max(0, size - _TAIL)
    stream.seek(start)
    tail = stream.read(_TAIL)
    at = tail.rfind(MAGIC)
    if at < 0 or len(tail) - at < _COOKIE.size:
        return None
    _, length, table_at, table_size, _, library = _COOKIE.unpack_from(tail, at)
    end = start + at + _COOKIE.size
    first = end - length
    if first < 0 or table_at + table_size > length or table_size > MAX_TABLE:
        raise ScriptError(
            f"cannot read {origin}: its PyInstaller table lies outside of the file",
            hint="the file is damaged or was cut short: build or download it again",
        )
    stream.seek(first + table_at)
    entries = tuple(_entries(stream.read(table_size), origin))
    for entry in entries:
        if entry.offset + entry.packed > length:
            raise ScriptError(f"cannot read {origin}: {entry.name!r} of its PyInstaller table lies outside of the file")
    binaries = [entry for entry in entries if entry.kind == b"b"]

    def content(entry: _Entry) -> bytes | None:
        stream.seek(first + entry.offset)
        data = stream.read(entry.packed)
        if entry.compressed:
            data = inflate(data, min(entry.unpacked, MAX_MEMBER)) or b""
        return data if len(data) == entry.unpacked else None

    members = ((e.name, max(e.packed, e.unpacked), lambda e=e: content(e)) for e in binaries)
    needed, warnings = outside(members, (entry.name for entry in entries), origin)
    held = tuple(entry.name for entry in binaries)
    python = library.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    if python and python not in held:
        return Bundle("PyInstaller", "", True, held, needed, warnings, _contents(entries) + python)
    return Bundle("PyInstaller", "/tmp", True, held, needed, warnings)  # noqa: S108 - in the image


def _contents(entries: tuple[_Entry, ...]) -> str:
    """The directory beside the program, with "/" at its end; a name that leads elsewhere is none."""
    for entry in entries:
        option, _, value = entry.name.partition(" ")
        if entry.kind == b"o" and option == _FOLDER and value not in {"", ".", ".."} and "/" not in value:
            return f"{value}/"
    return ""


def _entries(table: bytes, origin: str) -> Iterator[_Entry]:
    at = count = 0
    while at < len(table):
        count += 1
        if len(table) - at < _ENTRY.size or count > MAX_ENTRIES:
            raise ScriptError(
                f"cannot read {origin}: its PyInstaller table ends within an entry, or has over {MAX_ENTRIES}"
            )
        length, offset, packed, unpacked, flag, kind = _ENTRY.unpack_from(table, at)
        if length < _ENTRY.size or at + length > len(table):
            raise ScriptError(f"cannot read {origin}: an entry of its PyInstaller table has a length of {length} bytes")
        name = table[at + _ENTRY.size : at + length].rstrip(b"\0").decode("utf-8", "surrogateescape")
        yield _Entry(offset, packed, unpacked, bool(flag), kind, name)
        at += length
