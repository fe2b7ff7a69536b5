"""An image in fewer layers that shows the same files: histories go in, the entries of each new layer come out (W15, W22).

:func:`fold` puts a copy that differs from the file below in nothing but metadata or time into that file's own layer, and leaves every
layer as it is that neither gives nor takes. :func:`whole` is one layer of everything. :func:`onto` is what has to stand above another
image to show the same: explicit whiteouts for what it lacks, never an opaque directory, on which unpackers disagree.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from scratchpack.layers.versions import Cause
from scratchpack.layers.waste import waste

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scratchpack.layers.history import History
    from scratchpack.layers.tarindex import Record
    from scratchpack.layers.versions import Inode, PathVersion

_COPIES = frozenset({Cause.METADATA_ONLY, Cause.REWRITTEN})


class NewEntry(NamedTuple):
    """One entry of a new layer. Without a version it is a whiteout of ``path``."""

    path: str
    version: PathVersion | None


class Kept(NamedTuple):
    """A layer that stays as it is."""

    number: int


NewLayer = tuple[NewEntry, ...]


def whole(history: History) -> NewLayer:
    """Everything that an image shows."""
    return tuple(NewEntry(version.path, version) for version in history.live() if version.path != "/")


def fold(history: History) -> tuple[NewLayer | Kept, ...] | None:
    """The image with each copy in the layer of what it is a copy of; ``None`` where more than such copies is hidden, or nothing.

    Raises:
        InputError: a layer is damaged, or closed.
    """
    dead = waste(history).dead
    if not dead or any(one.cause not in _COPIES for one in dead):
        return None
    homes = _homes(history)
    layers: list[dict[str, PathVersion]] = [{} for _ in history.layers]
    moved: set[int] = set()
    for version in history.live():
        if version.path == "/":
            continue
        layer = homes.get(version.inode.number, version.layer) if version.below is None else version.layer
        if layer != version.layer:
            moved |= {layer, version.layer}
        for path in _above(version.path):
            above = history.find(path)
            if above is not None:
                layers[layer].setdefault(path, above)
        layers[layer][version.path] = version
    moved |= {version.layer for version in history.hidden if not _restated(version)}
    moved |= {
        version.hidden.layer for version in history.hidden if version.hidden is not None and not _restated(version)
    }
    made: list[NewLayer | Kept] = []
    for number, entries in enumerate(layers):
        if number not in moved:
            made.append(Kept(number))
        elif any(version.below is None or version.layer == number for version in entries.values()):
            made.append(_ordered(entries.items()))
    return tuple(made)


def onto(history: History, base: History, *, same_layers: int) -> NewLayer:
    """What has to stand above ``base`` so that both together show what ``history`` does.

    Args:
        history: the image.
        base: what it is put on.
        same_layers: how many of the lowest layers are the same in both.

    Raises:
        InputError: a layer is damaged, or closed.
    """
    theirs = {version.path: version for version in base.live()}
    groups, their_groups = _names(history), _names(base)
    alike = [
        (version, theirs[version.path])
        for version in history.live()
        if version.path in theirs and _same_but_content(version, theirs[version.path])
    ]
    doubtful = [(one, other) for one, other in alike if not _same_bytes(one.inode, other.inode, same_layers)]
    history.hash(one.inode for one, _ in doubtful)
    base.hash(other.inode for _, other in doubtful)
    same = {
        one.path
        for one, other in alike
        if (_same_bytes(one.inode, other.inode, same_layers) or one.inode.digest == other.inode.digest)
        and groups[one.inode.number] == their_groups[other.inode.number]
    }
    entries = {version.path: version for version in history.live() if version.path != "/" and version.path not in same}
    for path in list(entries):
        for above in _above(path):
            if (found := history.find(above)) is not None:
                entries.setdefault(above, found)
    gone = [path for path, version in theirs.items() if history.find(path) is None and version.path != "/"]
    gone_set = set(gone)
    tops = [
        path for path in gone
        if (above := os.path.dirname(path)) not in gone_set and ((now := history.find(above)) is None or now.below is not None)
    ]  # fmt: skip
    return (*(NewEntry(path, None) for path in sorted(tops, key=os.fsencode)), *_ordered(entries.items()))


def _homes(history: History) -> dict[int, int]:
    """For each live file that is a copy, the layer of the first of which it is one."""
    before: dict[int, Inode] = {}
    for version, cause in history.causes(history.hidden):
        after = version.hidden.successor if version.hidden is not None else None
        if after is not None and cause in _COPIES and version.below is None and after.below is None:
            before[after.inode.number] = min(
                version.inode, before.get(after.inode.number, version.inode), key=lambda one: one.layer
            )
    homes: dict[int, int] = {}
    for version in history.live():
        at = version.inode
        seen = {at.number}
        while (older := before.get(at.number)) is not None and older.number not in seen:
            seen.add(older.number)
            at = older
        if at is not version.inode:
            homes[version.inode.number] = at.layer
    return homes


def _restated(version: PathVersion) -> bool:
    """Whether only the metadata of a directory was stated again."""
    after = version.hidden.successor if version.hidden is not None else None
    return after is not None and version.record.kind == after.record.kind == "directory"


def _above(path: str) -> Iterator[str]:
    while (path := os.path.dirname(path)) != "/":
        yield path


def _ordered(entries: Iterable[tuple[str, PathVersion]]) -> NewLayer:
    return tuple(NewEntry(path, version) for path, version in sorted(entries, key=lambda item: os.fsencode(item[0])))


def _names(history: History) -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = {}
    for version in history.live():
        found.setdefault(version.inode.number, set()).add(version.path)
    return {number: frozenset(names) for number, names in found.items()}


def _stated(record: Record) -> Sequence[object]:
    """What two entries have to have in common beside their bytes; the mode of a symbolic link means nothing."""
    mode = 0 if record.kind == "symlink" else record.mode
    return (record.kind, mode, record.uid, record.gid, record.xattrs, record.target, record.device, record.size)


def _same_but_content(one: PathVersion, other: PathVersion) -> bool:
    return _stated(one.inode.record) == _stated(other.inode.record)


def _same_bytes(one: Inode, other: Inode, same_layers: int) -> bool:
    if one.record.kind != "file":
        return True
    return one.layer == other.layer < same_layers and one.record.offset == other.record.offset
