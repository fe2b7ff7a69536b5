"""One file, and whether it unpacks others: the readers of this room in the order in which their marks are sure."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from scratchpack.scripts.bundles.marks import elf_bundle, script_bundle
from scratchpack.scripts.bundles.overlay import overlay
from scratchpack.scripts.bundles.pyinstaller import pyinstaller
from scratchpack.scripts.bundles.zipapp import zipapp

if TYPE_CHECKING:
    from scratchpack.scripts.bundles.model import Bundle


def bundle(stream: BinaryIO, origin: str) -> Bundle | None:
    """What a program carries; ``None`` for one that carries nothing known.

    Raises:
        ScriptError: its own table contradicts the file.
    """
    stream.seek(0)
    head = stream.read(4096)
    if head.startswith(b"#!"):
        return script_bundle(head) or zipapp(stream, origin)
    return pyinstaller(stream, origin) or elf_bundle(stream, origin) or zipapp(stream, origin)


def foreign_data(stream: BinaryIO, origin: str) -> str | None:
    """One line about data behind the end of an ELF program that :func:`bundle` does not know."""
    behind = overlay(stream, origin)
    if behind is None:
        return None
    return f"{origin}: {behind.size} bytes follow the end of its ELF data at byte {behind.start}; what the program does with them is not known"
