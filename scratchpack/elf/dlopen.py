"""Notes by which a program says itself what it opens later and what package it is of (N29, N30)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scratchpack.elf.model import Note

OWNER, NOTE_DLOPEN, NOTE_PACKAGE = b"FDO", 0x407C0C0A, 0xCAFE1A7E
PRIORITIES = ("required", "recommended", "suggested")
MAX_TEXT = 64 << 10  # bytes of one note
MAX_ENTRIES = 1024


class Dlopen(NamedTuple):
    """One thing that is opened later: the first of ``sonames`` that is found will do."""

    sonames: tuple[str, ...]
    priority: str  # one of PRIORITIES
    feature: str = ""
    description: str = ""


def dlopens(notes: Iterable[Note]) -> tuple[Dlopen, ...]:
    """All entries of all ``.note.dlopen`` records; what does not read as one is left out."""
    found: list[Dlopen] = []
    for note in notes:
        if note.owner.rstrip(b"\0") == OWNER and note.type == NOTE_DLOPEN:
            value = _json(note.desc)
            entries = value if isinstance(value, list) else [value]  # a draft had one object without the list
            found += [entry for entry in map(_entry, entries[:MAX_ENTRIES]) if entry is not None]
    return tuple(found[:MAX_ENTRIES])


def package(notes: Iterable[Note]) -> Mapping[str, str]:
    """The text fields of ``.note.package``: type, name, version, architecture, osCpe …; empty without one."""
    for note in notes:
        if note.owner.rstrip(b"\0") == OWNER and note.type == NOTE_PACKAGE:
            value = _json(note.desc)
            if isinstance(value, dict):
                return {key: text for key, text in value.items() if isinstance(text, str)}
    return {}


def _entry(value: Any) -> Dlopen | None:
    if not isinstance(value, dict):
        return None
    sonames = value.get("soname")
    names = [sonames] if isinstance(sonames, str) else sonames
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        return None
    priority = value.get("priority", "recommended")
    return Dlopen(
        tuple(names),
        priority if priority in PRIORITIES else "recommended",
        _text(value.get("feature")),
        _text(value.get("description")),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _json(desc: bytes) -> Any:
    import json

    text = desc.partition(b"\0")[0]
    if len(text) > MAX_TEXT:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
