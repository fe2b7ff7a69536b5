"""dpkg's file lists: the lines of info/*.list go in, the packages whose list has a line come out.

A path or two are looked for with one search in the joined text of all lists (20 MB take some milliseconds); of many, one
pass takes all of them, and one after the other makes an index of every line after the first few.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from typing import TYPE_CHECKING

from scratchpack.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

MAX_LISTS = 64 << 20  # bytes in all; a Debian of 3,000 packages has about 20 MB
MAX_LINES = 1_200_000  # in all; the same Debian has some 400,000
_FEW = 8  # searches of the joined text before an index pays


class Lists:
    """All lists of one database.

    Args:
        names: where the list of each key ("zlib1g:amd64") lies.
        read: the text of one, of at most so many bytes.
    """

    def __init__(self, names: Mapping[str, str], read: Callable[[str, int], bytes]) -> None:
        self._names, self._read_one = names, read
        self._keys = tuple(names)
        self._read: dict[str, bytes] = {}
        self._left, self._lines = MAX_LISTS, 0
        self._searched = 0
        self._joined: tuple[list[int], bytes] | None = None
        self._prefixes: dict[str, list[str]] = {}
        for key in self._keys:
            self._prefixes.setdefault(key[:3], []).append(key)
        self._first: dict[bytes, int] | None = None
        self._several: dict[bytes, list[int]] = {}

    def text(self, key: str) -> bytes:
        """The list of one package, each line between newlines; empty without one.

        Raises:
            InputError: the lists that were read are over ``MAX_LISTS`` or ``MAX_LINES`` in all.
        """
        if key not in self._read:
            path = self._names.get(key)
            text = b"" if path is None else self._read_one(path, self._left)
            self._left -= len(text)
            self._lines += text.count(b"\n")
            if self._lines > MAX_LINES:
                raise InputError(f"cannot read the file lists of dpkg: over {MAX_LINES} lines in all")
            self._read[key] = b"\n" + text.strip(b"\n") + b"\n" if text else b""
        return self._read[key]

    def holding(self, path: str) -> Iterator[str]:
        """Keys of the lists with this line: packages that are named like the file first."""
        line = os.fsencode(path)
        if self._first is None and self._searched < _FEW:
            mark, likely = b"\n" + line + b"\n", self._likely(path)
            yield from (key for key in likely if mark in self.text(key))
            self._searched += 1
            yield from (key for key in self._search(mark) if key not in likely)
        else:
            yield from self._ordered(path, self._numbers(line))

    def locate(self, paths: Iterable[str]) -> dict[str, list[str]]:
        """:meth:`holding` for many lines in one pass; every one of them has an answer."""
        lines = {os.fsencode(path): path for path in paths}
        found: dict[bytes, list[int]] = {line: [] for line in lines}
        if self._first is not None:
            found = {line: self._numbers(line) for line in lines}
        elif found:
            wanted = set(found)
            for number, key in enumerate(self._keys):
                for line in wanted.intersection(self.text(key).split(b"\n")):
                    found[line].append(number)
        return {path: self._ordered(path, found[line]) for line, path in lines.items()}

    def _likely(self, path: str) -> list[str]:
        return self._prefixes.get(path.rpartition("/")[2][:3], [])

    def _ordered(self, path: str, numbers: list[int]) -> list[str]:
        keys = [self._keys[number] for number in numbers]
        start = path.rpartition("/")[2][:3]
        return sorted(keys, key=lambda key: key[:3] != start) if len(keys) > 1 else keys

    def _search(self, mark: bytes) -> Iterator[str]:
        if self._joined is None:
            starts, at = [], 0
            for key in self._keys:
                starts.append(at)
                at += len(self.text(key))
            self._joined = starts, b"".join(self.text(key) for key in self._keys)
        starts, text = self._joined
        at = text.find(mark)
        while at >= 0:
            yield self._keys[bisect_right(starts, at) - 1]
            at = text.find(mark, at + 1)

    def _numbers(self, line: bytes) -> list[int]:
        if self._first is None:
            self._first = self._index()
            self._joined = None  # not needed any more
        if line in self._several:
            return self._several[line]
        number = self._first.get(line)
        return [] if number is None else [number]

    def _index(self) -> dict[bytes, int]:
        """The first list of each line; those of a line in several lists in ``_several``."""
        first: dict[bytes, int] = {}
        for number in reversed(range(len(self._keys))):
            lines = dict.fromkeys(self.text(self._keys[number]).split(b"\n"), number)
            lines.pop(b"", None)
            for line in lines.keys() & first.keys():
                self._several.setdefault(line, [first[line]]).insert(0, number)
            first.update(lines)
        return first
