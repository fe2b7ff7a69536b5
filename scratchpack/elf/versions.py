"""Symbol versions as the loader reads them: chains of records behind DT_VERNEED and DT_VERDEF (R15)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from scratchpack.elf.model import VersionNeed, VersionRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scratchpack.elf.image import ElfImage

MAX_RECORDS = 32768  # over both levels of one chain (S4)
VER_FLG_WEAK = 2
_WINDOW = 1024  # bytes read at once
_WHAT = "a symbol version record"

# (format, field that holds the distance to the next record) of the four records; equal in 32 and 64 bits
_NEED, _NEED_AUX, _DEF, _DEF_AUX = "HHIII", "IHHII", "HHHHIII", "II"


class _Chain:
    """Follows records by their "next" distance, forward only, and counts them all against one bound."""

    def __init__(self, image: ElfImage) -> None:
        self._image = image
        self._left = MAX_RECORDS
        self._start, self._window = 0, b""  # records mostly stand one behind the other

    def follow(self, address: int, layout: str) -> Iterator[tuple[int, tuple[int, ...]]]:
        record = struct.Struct(self._image.header.prefix + layout)
        while True:
            self._left -= 1
            if self._left < 0:
                raise self._image.fail(f"more than {MAX_RECORDS} symbol version records")
            self._image.budget.step(12)  # a lookup, a read and two names each
            fields = record.unpack(self._bytes(address, record.size))
            yield address, fields
            if fields[-1] == 0:
                return
            address += fields[-1]

    def _bytes(self, address: int, size: int) -> bytes:
        at = address - self._start
        if not 0 <= at <= len(self._window) - size:
            self._start, at = address, 0
            self._window = self._image.upto(address, _WINDOW, _WHAT)
            if len(self._window) < size:
                self._window = self._image.at(address, size, _WHAT)
        return self._window[at : at + size]


def version_needs(image: ElfImage, address: int | None, name: Callable[[int], str]) -> tuple[VersionNeed, ...]:
    """What is asked of which provider; ``name`` reads the dynamic string table.

    Raises:
        ElfError: a record outside the segments, of an unknown revision, or too many.
    """
    if address is None:
        return ()
    chain = _Chain(image)
    needs = []
    for at, (revision, _count, file, aux, _next) in chain.follow(address, _NEED):
        if revision != 1:
            raise image.fail(f"unknown revision {revision} of its symbol version needs")
        versions = tuple(
            VersionRequest(name(text), bool(flags & VER_FLG_WEAK))
            for _, (_hash, flags, _other, text, _) in chain.follow(at + aux, _NEED_AUX)
        )
        needs.append(VersionNeed(name(file), versions))
    return tuple(needs)


def version_defs(image: ElfImage, address: int | None, name: Callable[[int], str]) -> tuple[str, ...]:
    """The versions that a library provides, the base record (its own name) among them, as the loader compares them.

    Raises:
        ElfError: as in :func:`version_needs`.
    """
    if address is None:
        return ()
    chain = _Chain(image)
    names = []
    for at, (revision, _flags, _index, _count, _hash, aux, _next) in chain.follow(address, _DEF):
        if revision != 1:
            raise image.fail(f"unknown revision {revision} of its symbol version definitions")
        _, fields = next(chain.follow(at + aux, _DEF_AUX))
        names.append(name(fields[0]))
    return tuple(names)
