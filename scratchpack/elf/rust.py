"""What the Rust compiler and cargo-auditable leave in a program."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, NamedTuple

from scratchpack import foreign
from scratchpack.elf.sections import section_bytes
from scratchpack.errors import InputError

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
    """The crates that cargo-auditable listed in ``.dep-v0``; empty where it was not used or its data is broken."""
    packed = section_bytes(image, ".dep-v0", MAX_AUDIT)
    if not packed:
        return ()
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, MAX_AUDIT)
        if not unpacker.eof:
            return ()
        return tuple(
            Crate(
                entry["name"].text(),
                entry["version"].text(),
                entry.get("source").text(),
                entry.get("kind").text() or "runtime",
                entry.get("root").flag(),
            )
            for entry in foreign.json_document(text, limit=MAX_AUDIT)["packages"].items()
        )
    except (zlib.error, InputError):
        return ()
