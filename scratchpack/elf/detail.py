"""Section names, places and sizes as pyelftools reads them: the second opinion on ``sections.py``.

pyelftools runs for minutes on some damaged files, so this runs in the witness's child process, under its limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO


def sections(stream: BinaryIO) -> tuple[tuple[str, int, int], ...]:
    """(name, offset, size) of every section but the empty first one; empty where it can make nothing of them."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        return tuple(
            (
                section.name,
                int(section["sh_offset"]),
                0 if section["sh_type"] == "SHT_NOBITS" else int(section["sh_size"]),
            )
            for section in ELFFile(stream).iter_sections()
        )[1:]
    except (ELFError, LookupError, ValueError, OverflowError, AssertionError, AttributeError, TypeError):
        return ()
