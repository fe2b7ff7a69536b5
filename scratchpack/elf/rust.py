"""What the Rust compiler and cargo-auditable leave in a program."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, NamedTuple

from scratchpack import foreign
from scratchpack.elf.sections import section_bytes
from scratchpack.errors import ElfError, InputError

if TYPE_CHECKING:
    from scratchpack.elf.image import ElfImage

MAX_AUDIT = 2 << 20  # bytes of JSON, unpacked: ten thousand crates
MAX_COMMENT = 64 << 10


class Crate(NamedTuple):
    """One crate of the build."""

    name: str
    version: str
    source: str
    kind: str  # "runtime" | "build"
    root: bool


def compiler(image: ElfImage) -> str | None:
    """The version of rustc, from ``.comment``; ``None`` without one."""
    found = re.search(rb"rustc version ([^\0]*)", section_bytes(image, ".comment", MAX_COMMENT))
    return found[1].decode("utf-8", "backslashreplace") if found else None


def crates(image: ElfImage) -> tuple[Crate, ...]:
    """The crates that cargo-auditable listed in ``.dep-v0``; empty where it was not used.

    Raises:
        ElfError: there is a list, and it cannot be read.
    """
    packed = section_bytes(image, ".dep-v0", MAX_AUDIT)
    if not packed:
        return ()
    try:
        listed = foreign.json_document(_unpacked(packed), _fault, limit=MAX_AUDIT)["packages"]
        return tuple(
            Crate(
                entry["name"].text(),
                entry["version"].text(),
                entry.get("source").text(),
                entry.get("kind").text() or "runtime",
                entry.get("root").flag(),
            )
            for entry in listed.items()
        )
    except InputError as error:
        raise ElfError(f"its list of crates is left out: {error.message}") from None


def _unpacked(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, MAX_AUDIT)
    except zlib.error:
        raise _fault("it is not compressed as it should be") from None
    if not unpacker.eof:
        raise _fault("it is cut short, or unpacks to too much")
    return text


def _fault(why: str) -> InputError:
    return InputError(why)
