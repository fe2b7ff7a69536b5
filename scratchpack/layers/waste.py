"""What the layers of an image waste (W1 to W6): a :class:`~scratchpack.layers.history.History` goes in, figures in bytes come out.

Every figure can be checked by arithmetic (W7): in each layer live, hidden and overhead are together the bytes of its tar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scratchpack.layers.versions import Cause, may_be_equal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scratchpack.layers.history import History
    from scratchpack.layers.versions import Inode, PathVersion


class Dead(NamedTuple):
    """A file of which no name is left. ``size`` is charged to ``layer``; an entry of ``by_layer`` at ``by_path`` is to blame (W3)."""

    path: str  # the name that it lost last
    size: int
    cause: Cause
    layer: int  # 0 is the lowest
    by_layer: int
    by_path: str
    mode: int  # of what took its place; -1 where nothing did
    owner: tuple[int, int]  # likewise


class LayerWaste(NamedTuple):
    """One layer: ``size`` is that of its tar, and live + hidden + overhead."""

    size: int
    live: int
    overhead: int
    hidden: dict[Cause, int]  # its own bytes that are dead
    hides: int  # bytes of this and lower layers that its entries made dead


class Duplicate(NamedTuple):
    """Equal files that are no links of one another (W4). ``size`` is what all but one of them take."""

    digest: str
    paths: tuple[str, ...]
    size: int


class Waste(NamedTuple):
    """The whole image."""

    layers: tuple[LayerWaste, ...]
    dead: tuple[Dead, ...]  # largest first; files without a byte are left out
    duplicates: tuple[Duplicate, ...]  # likewise

    def above(self, first: int) -> Waste:
        """What is charged to the layers from ``first`` on: what they waste that stand on a base (W6)."""
        return self._replace(layers=self.layers[first:], dead=tuple(one for one in self.dead if one.layer >= first))

    @property
    def size(self) -> int:
        """Bytes of all layers, uncompressed."""
        return sum(layer.size for layer in self.layers)

    @property
    def live(self) -> int:
        """Bytes of files that the image shows (W1)."""
        return sum(layer.live for layer in self.layers)

    @property
    def hidden(self) -> int:
        """Bytes of files that it does not (W2)."""
        return sum(sum(layer.hidden.values()) for layer in self.layers)

    @property
    def overhead(self) -> int:
        """Headers, padding and whiteouts (W5)."""
        return sum(layer.overhead for layer in self.layers)

    @property
    def efficiency(self) -> float:
        """From 0 to 1, which an empty image has (W6)."""
        return self.live / (self.live + self.hidden) if self.live + self.hidden else 1.0


def waste(history: History) -> Waste:
    """Measure an image.

    Raises:
        InputError: a layer is damaged, or closed.
    """
    shown = list(_shown(history))
    last: dict[int, PathVersion] = {}  # the name that a dead file lost last
    for version in history.hidden:
        if version.below is None and not version.inode.links and version.inode.record.stored:
            last[version.inode.number] = version
    groups = _of_equal_size(shown)
    history.hash(inode for inode in (*_to_compare(last.values()), *(one.inode for group in groups for one in group)))
    dead = tuple(sorted(_dead(history, last.values()), key=lambda one: (-one.size, one.path, one.layer)))
    layers = tuple(_layer(history, number, dead) for number in range(len(history.layers)))
    return Waste(layers, dead, _duplicates(groups))


def _shown(history: History) -> Iterator[PathVersion]:
    """Each live file that has bytes, by the first of its names."""
    seen: set[int] = set()
    for version in history.live():
        if version.inode.record.stored:
            if version.inode.number not in seen:
                yield version
            seen.add(version.inode.number)


def _to_compare(versions: Iterable[PathVersion]) -> Iterator[Inode]:
    for version in versions:
        after = version.hidden.successor if version.hidden else None
        if after is not None and may_be_equal(version.inode, after.inode):
            yield version.inode
            yield after.inode


def _dead(history: History, versions: Iterable[PathVersion]) -> Iterator[Dead]:
    for version, cause in history.causes(versions):
        hidden = version.hidden
        assert hidden is not None  # noqa: S101 - it comes from the list of the hidden
        after = None if hidden.successor is None else hidden.successor.inode.record
        mode, owner = (-1, (-1, -1)) if after is None else (after.mode, (after.uid, after.gid))
        inode = version.inode
        yield Dead(version.path, inode.record.stored, cause, inode.layer, hidden.layer, hidden.path, mode, owner)


def _layer(history: History, number: int, dead: Iterable[Dead]) -> LayerWaste:
    hidden = dict.fromkeys(Cause, 0)
    hides = 0
    for one in dead:
        if one.layer == number:
            hidden[one.cause] += one.size
        if one.by_layer == number:
            hides += one.size
    live = history.payload[number] - sum(hidden.values())
    return LayerWaste(history.layers[number].size, live, history.overhead(number), hidden, hides)


def _of_equal_size(shown: Iterable[PathVersion]) -> list[list[PathVersion]]:
    """Only files of equal size can be equal; the others are not read for this."""
    sizes: dict[int, list[PathVersion]] = {}
    for version in shown:
        sizes.setdefault(version.inode.record.size, []).append(version)
    return [group for group in sizes.values() if len(group) > 1]


def _duplicates(groups: Iterable[list[PathVersion]]) -> tuple[Duplicate, ...]:
    found: list[Duplicate] = []
    for group in groups:
        equal: dict[str, list[PathVersion]] = {}
        for version in group:
            equal.setdefault(version.inode.digest or "", []).append(version)
        for digest, versions in equal.items():
            if len(versions) > 1:
                sizes = [version.inode.record.stored for version in versions]
                found.append(Duplicate(digest, tuple(version.path for version in versions), sum(sizes) - max(sizes)))
    return tuple(sorted(found, key=lambda one: (-one.size, one.paths)))
