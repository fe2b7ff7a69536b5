"""An rpm header as its database stores it: bytes go in, a package and its paths come out.

First stands an index of 16-byte entries, then the data they point into (big-endian).
"""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

from scratchpack import foreign
from scratchpack.errors import InputError

_NAME, _VERSION, _RELEASE, _EPOCH, _VENDOR, _LICENCE, _PACKAGER = 1000, 1001, 1002, 1003, 1011, 1014, 1015
_ARCH, _REQUIRES, _OLD_NAMES, _SOURCE_RPM, _DIR_INDEXES, _BASE_NAMES, _DIR_NAMES = (
    1022,
    1049,
    1027,
    1044,
    1116,
    1117,
    1118,
)
_INT32, _STRING, _STRING_ARRAY, _I18N = 4, 6, 8, 9
_MAX_ENTRIES = 1 << 16  # rpm's own limit (HEADER_TAGS_MAX)
_MAX_STRINGS = 1 << 20  # of one tag: the files of one package
_MAX_NAME = 4096  # bytes of one string that is part of a path
_MAX_PATHS = 64 << 20  # characters of all paths: a directory's name is stored once, and counts with each of its files


class RpmHeader(NamedTuple):
    """The tags that say what a package is and which files it installed."""

    name: str
    version: str
    release: str
    epoch: int
    arch: str
    licence: str
    packager: str
    vendor: str
    source_rpm: str
    paths: tuple[str, ...]
    requires: tuple[str, ...] = ()  # names of packages, files and capabilities


def read_header(blob: bytes, *, origin: str) -> RpmHeader:
    """Read one stored header.

    Raises:
        InputError: it points outside itself.
    """
    try:
        return _read(blob)
    except (struct.error, IndexError, ValueError) as error:
        raise InputError(f"cannot read a package header of {origin}: {error}") from error


def _read(blob: bytes) -> RpmHeader:
    entries, size = struct.unpack_from(">II", blob)
    if entries > _MAX_ENTRIES or 8 + 16 * entries + size > len(blob):
        raise ValueError(f"{entries} entries and {size} bytes do not fit in {len(blob)}")
    index = {
        tag: (kind, offset, count)
        for tag, kind, offset, count in struct.iter_unpack(">IIiI", blob[8 : 8 + 16 * entries])
    }
    data = blob[8 + 16 * entries : 8 + 16 * entries + size]

    def strings(tag: int, most: int = _MAX_STRINGS) -> list[bytes]:
        kind, offset, count = index.get(tag, (0, 0, 0))
        if kind not in {_STRING, _STRING_ARRAY, _I18N} or offset < 0:
            return []
        count = min(1 if kind == _STRING else count, most)
        if count == _MAX_STRINGS:
            raise ValueError(f"tag {tag} has {count} strings or more")
        return data[offset:].split(b"\0", count)[:count]

    def first(tag: int) -> str:
        return next((foreign.legible(text) for text in strings(tag, 1)), "")

    def names(tag: int) -> list[str]:
        found = [os.fsdecode(text) for text in strings(tag)]
        if any(len(name) > _MAX_NAME for name in found):
            raise ValueError(f"a name of over {_MAX_NAME} bytes")
        return found

    def numbers(tag: int) -> tuple[int, ...]:
        kind, offset, count = index.get(tag, (0, 0, 0))
        if kind != _INT32:
            return ()
        if offset < 0 or count * 4 > len(data):
            raise ValueError(f"tag {tag} lies outside the header")
        return struct.unpack_from(f">{count}I", data, offset)

    folders, bases, places = names(_DIR_NAMES), names(_BASE_NAMES), numbers(_DIR_INDEXES)
    if sum(len(folders[at]) for at in places) > _MAX_PATHS:
        raise ValueError(f"paths of over {_MAX_PATHS >> 20} MiB")
    paths = [folders[at] + name for at, name in zip(places, bases, strict=True)]
    return RpmHeader(
        name=first(_NAME),
        version=first(_VERSION),
        release=first(_RELEASE),
        epoch=next(iter(numbers(_EPOCH)), 0),
        arch=first(_ARCH),
        licence=first(_LICENCE),
        packager=first(_PACKAGER),
        vendor=first(_VENDOR),
        source_rpm=first(_SOURCE_RPM),
        paths=tuple(paths or names(_OLD_NAMES)),
        requires=tuple(foreign.legible(text) for text in strings(_REQUIRES)),
    )
