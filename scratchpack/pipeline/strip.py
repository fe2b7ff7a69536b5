"""``--strip`` and ``--strip-libraries``: planned files go in; the same without what nobody reads at run time comes out, with the bytes saved.

A program that carries a payload behind its ELF data reads it by its place in the file, so it is refused; a library with
such data is left whole, and the report says so.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from scratchpack.elf.reader import read_elf
from scratchpack.elf.strip import Cut, cut
from scratchpack.errors import ElfError, InputError
from scratchpack.record import NamedTuple
from scratchpack.rootfs import File, Rootfs, Source
from scratchpack.scripts.bundles.reader import bundle

if TYPE_CHECKING:
    from collections.abc import Collection


class Stripped(NamedTuple):
    """The files, with notes and warnings for the report."""

    rootfs: Rootfs
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def strip(rootfs: Rootfs, programs: Collection[str], *, own: bool, libraries: bool) -> Stripped:
    """Cut the programs (``own``), and every other ELF file (``libraries``).

    Raises:
        InputError: a program cannot be cut: something stands in it that is neither mapped nor a symbol.
    """
    kept, notes, warnings, saved, count = [], [], [], 0, 0
    done: set[tuple[int, ...]] = set()  # hard links of one file are cut alike, and counted once
    for entry in rootfs:
        is_program = entry.path in programs
        if not isinstance(entry, File) or not (own if is_program else libraries) or not _is_elf(entry):
            kept.append(entry)
            continue
        try:
            place = _cut(entry)
        except InputError as error:
            if is_program:
                raise
            warnings.append(f"{entry.path} is left whole: {error.message.partition(': ')[2]}")
            place = None
        if place is None:
            kept.append(entry)
            continue
        kept.append(_shorter(entry, place))
        if is_program:
            notes.append(f"stripped {entry.path}: {place.size} bytes became {place.end}")
        elif entry.inode is None or entry.inode not in done:
            saved, count = saved + place.size - place.end, count + 1
        if entry.inode is not None:
            done.add(entry.inode)
    if libraries:
        notes.append(f"stripped {count} other file{'s' * (count != 1)}: {saved} bytes less")
    if own and not any(_is_elf(e) for path in programs if isinstance(e := rootfs.get(path), File)):
        warnings.append("--strip has no effect: the program is a script")
    return Stripped(Rootfs(kept), tuple(notes), tuple(warnings))


def _is_elf(entry: File) -> bool:
    with entry.source.open() as stream:
        return stream.read(4) == b"\x7fELF"


def _cut(entry: File) -> Cut | None:
    """Where a file may end; ``None`` for one that is used by its sections (an object file).

    Raises:
        InputError: it carries a payload, or cannot be read.
    """
    with entry.source.open() as stream:
        place = cut(stream, entry.path)
        if place is None:
            return None
        carried = bundle(stream, entry.path)
    hint = "pack it without stripping"
    if carried is not None:
        raise InputError(
            f"cannot strip {entry.path}: it is a {carried.kind} bundle, which reads its payload from its own file",
            hint=hint,
        )
    if place.foreign:
        raise InputError(
            f"cannot strip {entry.path}: {place.foreign}; what the program does with them is not known", hint=hint
        )
    with entry.source.open() as before, place.open(entry.source.open) as after:
        old, new = read_elf(before, origin=entry.path), read_elf(after, origin=entry.path)
    if old._replace(size=new.size) != new:
        raise ElfError(f"cannot strip {entry.path}: the loader would read another file than before", hint=hint)
    return place


def _shorter(entry: File, place: Cut) -> File:
    old = entry.source
    source = Source(place.end, partial(place.open, old.open), ("stripped", old.identity), old.origin)
    return entry._replace(source=source, inode=None if entry.inode is None else (-1, *entry.inode))
