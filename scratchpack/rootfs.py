"""The root filesystem of an image as data: a sorted, mergeable set of entries, each with its reasons.

``Rootfs.check`` holds the rules that every consumer relies on (I10, I16, I17, I19, S14) before a byte is written.
"""

from __future__ import annotations

import io
import os
import posixpath
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.errors import InputError
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

RANK_GENERATED, RANK_ROOT, RANK_OPTION = 0, 1, 2  # user option > source root > generated


class Reason(NamedTuple):
    """Why an entry is there."""

    kind: str  # "program" | "needed" | "interp" | "need" | "option" | "link" | "parent"
    by: str  # who asked: a path, a need's name, an option
    detail: str = ""  # the name asked for, the evidence


class Source(NamedTuple):
    """Where a file's bytes come from. ``identity`` is equal exactly when the bytes are the same file or text."""

    size: int
    open: Callable[[], BinaryIO]
    identity: tuple[object, ...]
    origin: tuple[str, str] | None = None  # the root's name and the path in it; of generated text, none


def inline(data: bytes) -> Source:
    """A source for text that scratchpack wrote itself."""
    return Source(len(data), lambda: io.BytesIO(data), ("inline", data))


class File(NamedTuple):
    """A regular file. Two files with one ``inode`` that is not ``None`` are hard links of each other."""

    path: str
    source: Source
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    inode: tuple[int, ...] | None = None
    xattrs: tuple[tuple[str, bytes], ...] = ()
    because: tuple[Reason, ...] = ()
    rank: int = RANK_ROOT

    @property
    def size(self) -> int:
        """Bytes of content."""
        return self.source.size


class Symlink(NamedTuple):
    """A symbolic link, its target as stored."""

    path: str
    target: str
    because: tuple[Reason, ...] = ()
    rank: int = RANK_ROOT


class Directory(NamedTuple):
    """A directory that somebody asked for; the parents of entries need no entry of their own."""

    path: str
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    because: tuple[Reason, ...] = ()
    rank: int = RANK_ROOT


Entry = File | Symlink | Directory


def bytes_of(entries: Iterable[Entry]) -> int:
    """Bytes of the files among these, hard links counted once."""
    seen: set[tuple[int, ...]] = set()
    total = 0
    for entry in entries:
        if isinstance(entry, File) and (entry.inode is None or entry.inode not in seen):
            total += entry.size
            if entry.inode is not None:
                seen.add(entry.inode)
    return total


def _content(entry: Entry) -> tuple[object, ...]:
    match entry:
        case File():
            return ("file", entry.source.identity, entry.mode, entry.uid, entry.gid, entry.xattrs)
        case Symlink():
            return ("symlink", entry.target)
        case Directory():
            return ("directory", entry.mode, entry.uid, entry.gid)


class Rootfs:
    """An immutable set of entries by absolute path, in the order of the paths' bytes."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        table: dict[str, Entry] = {}
        for entry in entries:
            _add(table, entry)
        self._entries = dict(sorted(table.items(), key=lambda item: os.fsencode(item[0])))

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def get(self, path: str) -> Entry | None:
        """The entry at exactly this path."""
        return self._entries.get(path)

    def merge(self, other: Iterable[Entry]) -> Rootfs:
        """Both together: one path with one content joins the reasons, else the higher rank wins.

        Raises:
            InputError: two different contents of one rank at one path.
        """
        return Rootfs([*self, *other])

    @property
    def size(self) -> int:
        """Bytes of all file contents, hard links counted once."""
        return bytes_of(self)

    def check(self) -> None:
        """Hold the rules for paths (I10, I16, I19, S14).

        Raises:
            InputError: naming every entry that no image can carry.
        """
        bad = tuple(problem for entry in self if (problem := self._problem(entry.path)))
        if bad:
            raise InputError("cannot put these files in an image", details=bad)

    def _problem(self, path: str) -> str | None:
        if not path.startswith("/") or path != posixpath.normpath(path) or path.startswith("//"):
            return f"{path!r}: not an absolute, normalised path"
        if "\0" in path:
            return f"{path!r}: holds a NUL byte"
        if posixpath.basename(path).startswith(".wh."):
            return f"{path}: names that start with .wh. delete files in an image layer (I16)"
        parent = posixpath.dirname(path)
        while parent != "/":
            above = self._entries.get(parent)
            if above is not None and not isinstance(above, Directory):
                return f"{path}: its parent {parent} is not a directory (I19)"
            parent = posixpath.dirname(parent)
        return None


def _add(table: dict[str, Entry], entry: Entry) -> None:
    old = table.get(entry.path)
    if old is None:
        table[entry.path] = entry
    elif _content(old) == _content(entry):
        kept = old if old.rank >= entry.rank else entry
        table[entry.path] = kept._replace(because=_join(old.because, entry.because))
    elif (joined := _asked_twice(old, entry)) is not None:
        table[entry.path] = joined
    elif old.rank != entry.rank:
        table[entry.path] = old if old.rank > entry.rank else entry
    else:
        raise InputError(
            f"cannot put two different things at {entry.path}",
            details=(_why(old), _why(entry)),
            hint="leave one of them out with --exclude, or place it elsewhere with --include SRC:DST",
        )


def _asked_twice(old: Entry, entry: Entry) -> Entry | None:
    """One file or directory that two askers want with other modes (one starts it): it allows what either asks for.

    ``None`` for what really is two things.
    """
    if isinstance(old, Symlink) or isinstance(entry, Symlink) or old.rank != entry.rank:
        return None
    if _content(old._replace(mode=entry.mode)) != _content(entry):
        return None
    return old._replace(mode=old.mode | entry.mode, because=_join(old.because, entry.because))


def _join(first: tuple[Reason, ...], second: tuple[Reason, ...]) -> tuple[Reason, ...]:
    return first + tuple(reason for reason in second if reason not in first)


def _why(entry: Entry) -> str:
    kind = type(entry).__name__.lower()
    return f"{kind}: " + (
        "; ".join(f"{r.kind} by {r.by} {r.detail}".rstrip() for r in entry.because) or "no reason given"
    )
