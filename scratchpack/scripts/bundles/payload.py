"""The shared objects of a payload: names and openers go in, the sonames that they need from outside come out, within bounds (S4)."""

from __future__ import annotations

import io
import posixpath
import zlib
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.elf.reader import read_elf
from scratchpack.errors import ElfError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_MEMBER = 64 << 20  # bytes of one shared object, unpacked
MAX_TOTAL = 256 << 20  # bytes unpacked in all
_ELF = b"\x7fELF"


def inflate(data: bytes, limit: int, *, raw: bool = False) -> bytes | None:
    """At most ``limit`` bytes of a deflate stream; ``None`` where it holds more, or is none."""
    machine = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS)
    try:
        found = machine.decompress(data, limit + 1)
    except zlib.error:
        return None
    return found if len(found) <= limit and machine.eof else None


def outside(
    members: Iterable[tuple[str, int, Callable[[], bytes | None]]], carried: Iterable[str], origin: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What shared objects need that is not among ``carried``, and warnings.

    ``members`` are (name, size unpacked, reader); a reader gives ``None`` for what does not unpack to that size.
    """
    inside = {posixpath.basename(name) for name in carried}
    needed: dict[str, None] = {}
    warnings: list[str] = []
    total = 0
    for name, size, content in members:
        total += size
        if size > MAX_MEMBER or total > MAX_TOTAL:
            warnings.append(f"{origin}: {name} and what follows was not looked into: over {MAX_TOTAL >> 20} MiB in all")
            break
        data = content()
        if data is None:
            warnings.append(f"{origin}: {name} does not unpack to the size that its table gives")
            continue
        if not data.startswith(_ELF):
            continue
        try:
            stream: BinaryIO = io.BytesIO(data)
            facts = read_elf(stream, origin=f"{origin}: {name}")
        except (ElfError, InputError) as error:
            warnings.append(error.message)
            continue
        needed.update(dict.fromkeys(facts.needed))
    return tuple(name for name in needed if posixpath.basename(name) not in inside), tuple(warnings)
