"""Image layers made entry by entry, as tars of the standard library: what other builders might write, and what none should."""

from __future__ import annotations

import io
import random
import tarfile
from typing import NamedTuple


class Entry(NamedTuple):
    """One entry. ``kind`` is "file", "directory", "symlink" or "hard link"; ``text`` the content, or the link's target."""

    path: str
    kind: str = "file"
    text: str = ""
    mode: int = 0o644
    uid: int = 0


_TYPES = {
    "file": tarfile.REGTYPE,
    "directory": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
}


def tar(*entries: Entry) -> bytes:
    """The layer, uncompressed."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in entries:
            info = tarfile.TarInfo(entry.path)
            info.type, info.mode, info.uid, info.gid = _TYPES[entry.kind], entry.mode, entry.uid, entry.uid
            data = entry.text.encode() if entry.kind == "file" else b""
            info.size = len(data)
            info.linkname = "" if entry.kind == "file" else entry.text
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Generator:
    """Random images over few names, so that layers meet: the same seed gives the same layers.

    Every parent has an entry of its own, as builders write it; whiteouts stand anywhere in a layer.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._tree: dict[str, str] = {"": "directory"}
        self._owned: dict[str, tuple[int, int]] = {}  # mode and owner of each file: a hard link to it says the same

    def image(self) -> list[list[Entry]]:
        """Two to five layers."""
        return [self._layer() for _ in range(self._random.randint(2, 5))]

    def _layer(self) -> list[Entry]:
        below = dict(self._tree)
        entries: list[Entry] = []
        whiteouts = [self._whiteout(below) for _ in range(self._random.choice((0, 0, 1, 2, 4)))]
        for _ in range(self._random.randint(1, 9)):
            self._entry(entries)
        other = {entry.path for entry in entries if entry.kind != "directory"}
        for whiteout in whiteouts:
            parts = whiteout.path.split("/")[:-1]
            if any("/".join(parts[:depth]) in other for depth in range(1, len(parts) + 1)):
                continue  # its directory is something else in this very layer: no builder says so
            entries.insert(self._random.randint(0, len(entries)), whiteout)
        return entries

    def _whiteout(self, below: dict[str, str]) -> Entry:
        """Of what is there, of what is not, or of everything in a directory."""
        dice = self._random.random()
        if dice < 0.25:
            directory = self._random.choice([path for path, kind in below.items() if kind == "directory"])
            self._forget(directory, itself=False)
            return Entry(f"{directory}/.wh..wh..opq".lstrip("/"))
        path = self._random.choice(sorted(set(below) - {""}) or ["none"])
        if dice < 0.4:
            path += "-not-there"
        self._forget(path)
        directory, _, name = path.rpartition("/")
        return Entry(f"{directory}/.wh.{name}".lstrip("/"))

    def _entry(self, entries: list[Entry]) -> None:
        directories = [path for path, kind in self._tree.items() if kind == "directory" and path.count("/") < 3]
        parent = self._random.choice(directories)
        self._parents(parent, entries)
        path = f"{parent}/{self._random.choice('abcd')}".lstrip("/")
        kind = self._random.choice(("file", "file", "file", "directory", "directory", "symlink", "hard link", "copy"))
        mode = self._random.choice((0o644, 0o600, 0o755, 0o4755))
        uid = self._random.choice((0, 0, 7))
        files = sorted(
            one for one, what in self._tree.items() if what == "file" and one != path and not one.startswith(path + "/")
        )
        if kind == "hard link" and not files:
            kind = "file"
        text = {
            "symlink": self._random.choice(("a", "../b", "/c", "nowhere")),
            "hard link": self._random.choice(files or [""]),
            "directory": "",
        }.get(kind, self._random.choice(("one", "two", "six", "longer than these")))
        kind = "file" if kind == "copy" else kind
        if not (kind == self._tree.get(path) == "directory"):
            self._forget(path)
        self._tree[path] = "file" if kind == "hard link" else kind
        if kind == "hard link":
            mode, uid = self._owned[text]
        self._owned[path] = mode, uid
        entries.append(Entry(path, kind, text, mode, uid))

    def _parents(self, path: str, entries: list[Entry]) -> None:
        parts = path.split("/") if path else []
        for depth in range(1, len(parts) + 1):
            above = "/".join(parts[:depth])
            if not any(entry.path == above for entry in entries):
                entries.append(Entry(above, "directory", mode=0o755))

    def _forget(self, path: str, *, itself: bool = True) -> None:
        for one in [one for one in self._tree if one.startswith(f"{path}/".lstrip("/")) or (itself and one == path)]:
            if one:
                del self._tree[one]
