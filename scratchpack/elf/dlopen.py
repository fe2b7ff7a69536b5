"""Notes by which a program says itself what it opens later and what package it is of (N29, N30)."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from scratchpack import foreign
from scratchpack.errors import InputError, LimitError
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scratchpack.elf.model import Note

OWNER, NOTE_DLOPEN, NOTE_PACKAGE = b"FDO", 0x407C0C0A, 0xCAFE1A7E
PRIORITIES = ("required", "recommended", "suggested")
MAX_TEXT = 64 << 10  # bytes of one note
MAX_ENTRIES = 1024
MAX_NAMES = 64  # alternatives of one entry
MAX_NAMES_IN_ALL = 2048  # of all notes of one file


class DlopenEntry(NamedTuple):
    """One thing that is opened later: the first of ``sonames`` that is found will do."""

    sonames: tuple[str, ...]
    priority: str  # one of PRIORITIES
    feature: str = ""
    description: str = ""


def dlopens(notes: Iterable[Note]) -> tuple[DlopenEntry, ...]:
    """All entries of all ``.note.dlopen`` records; what does not read as one is left out, and :func:`unread` names it.

    Raises:
        LimitError: they name more libraries than any program opens.
    """
    found: list[DlopenEntry] = []
    for note in notes:
        if _is(note, NOTE_DLOPEN):
            found += [one for one in _entries(note.desc) if isinstance(one, DlopenEntry)]
        if len(found) > MAX_ENTRIES or sum(len(entry.sonames) for entry in found) > MAX_NAMES_IN_ALL:
            raise LimitError(
                f"cannot examine this file: its notes name more than {MAX_NAMES_IN_ALL} libraries to open later",
                hint="no program does that: the file is damaged, or made to do harm",
            )
    return tuple(found)


def unread(notes: Iterable[Note]) -> tuple[str, ...]:
    """Why records that should say what is opened later, or of which package the file is, do not: a sentence each, for a warning."""
    found: dict[str, None] = {}
    for note in notes:
        if _is(note, NOTE_DLOPEN):
            for one in _entries(note.desc):
                if isinstance(one, str):
                    found.setdefault(f"its note on what it opens later is left out: {one}")
        elif _is(note, NOTE_PACKAGE):
            value = _json(note.desc)
            if isinstance(value, str) or not isinstance(value.raw, dict):
                why = value if isinstance(value, str) else "an object is meant"
                found.setdefault(f"its note on its package is left out: {why}")
    return tuple(found)


def package(notes: Iterable[Note]) -> Mapping[str, str]:
    """The text fields of ``.note.package``: type, name, version, architecture, osCpe …; empty without one."""
    for note in notes:
        if _is(note, NOTE_PACKAGE):
            value = _json(note.desc)
            if not isinstance(value, str) and isinstance(value.raw, dict):
                return {
                    foreign.legible(name): _text(foreign.Value(item))
                    for name, item in value.raw.items()
                    if isinstance(item, str)
                }
    return {}


def _is(note: Note, kind: int) -> bool:
    return note.type == kind and note.owner.rstrip(b"\0") == OWNER


def _entries(desc: bytes) -> Iterator[DlopenEntry | str]:
    """Each entry of one record, or why it is none."""
    value = _json(desc)
    if isinstance(value, str):
        yield value
        return
    # a draft had one object without the list
    entries = value.items() if isinstance(value.raw, list) else (value,)
    for entry in islice(entries, MAX_ENTRIES + 1):
        try:
            yield _entry(entry)
        except InputError as error:
            yield error.message


def _entry(value: foreign.Value) -> DlopenEntry:
    sonames = value["soname"]
    names = (sonames.text(),) if isinstance(sonames.raw, str) else sonames.texts()
    priority, feature, description = (_text(value.get(name)) for name in ("priority", "feature", "description"))
    if not 0 < len(names) <= MAX_NAMES or not all(names):
        raise sonames.wrong(f"1 to {MAX_NAMES} names are meant, and none of them empty")
    return DlopenEntry(names, priority if priority in PRIORITIES else "recommended", feature, description)


def _text(value: foreign.Value) -> str:
    """What only people read: of another kind, it is left out, and the entry is not."""
    return foreign.legible(value.raw) if isinstance(value.raw, str) else ""


def _json(desc: bytes) -> foreign.Value | str:
    """What a record says, or why it cannot be read."""
    try:
        return foreign.json_document(desc.partition(b"\0")[0], _fault, limit=MAX_TEXT)
    except InputError as error:
        return error.message


def _fault(why: str) -> InputError:
    return InputError(why)
