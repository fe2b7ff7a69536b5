"""An image's layers as one root: whiteouts, opaque directories and hard links as an engine applies them."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.errors import ConfinementError, InputError
from scratchpack.sysroot.model import Node
from scratchpack.sysroot.tarindex import MAX_UNPACKED, Layer, Record
from scratchpack.sysroot.walk import MAX_PATH, LinkLoopError, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Self

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
_ROOTS = itertools.count(1)  # 0 is the machine's own files (DirRoot)


class _Item:
    """One name of the tree: what it is, where its bytes are, and what is below it."""

    __slots__ = ("below", "inode", "layer", "record")

    def __init__(self, record: Record, layer: Layer | None, inode: int) -> None:
        self.record, self.layer, self.inode = record, layer, inode
        self.below: dict[str, _Item] = {}


class LayerRoot:
    """Image layers, lowest first; implements :class:`scratchpack.sysroot.model.Sysroot`.

    Args:
        openers: each opens one layer blob: tar, or tar compressed with gzip or zstd.
        name: what messages call the image.
        limit: bytes that all layers together may have uncompressed (S25).

    Raises:
        InputError: a layer that is damaged or beyond a limit.
    """

    def __init__(self, openers: Iterable[Callable[[], BinaryIO]], *, name: str, limit: int = MAX_UNPACKED) -> None:
        self._name = name
        self.kept: dict[str, object] = {}
        self._number = next(_ROOTS)
        self._inodes = itertools.count(1)
        self._layers: list[Layer] = []
        self._root = _Item(_directory("/"), None, 0)
        try:
            for number, opener in enumerate(openers, 1):
                layer = Layer(opener(), f"layer {number} of {name}", limit=limit)
                self._layers.append(layer)
                limit = max(0, limit - layer.size)
                self._apply(layer)
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The image."""
        return self._name

    def lookup(self, path: str, *, cwd: str = "/", follow: bool = True) -> Node | None:
        """Find a name; see :meth:`scratchpack.sysroot.model.Sysroot.lookup`."""
        full = path if path[:1] == "/" else f"{cwd}/{path}"
        if not path or len(os.fsencode(full)) >= MAX_PATH:
            return None
        try:
            place = walk(full, self._entry, follow=follow)
        except LinkLoopError as error:
            raise ConfinementError(
                f"cannot follow {path} in {self._name}: too many symbolic links, or a loop of them"
            ) from error
        item = place and self._find(place.canonical)
        if place is None or item is None:
            return None
        record = item.record
        return Node(
            path, place.canonical, place.links, record.kind, record.mode, record.uid, record.gid, record.size,
            (self._number, 0, item.inode), record.mtime, record.target if record.kind == "symlink" else None,
        )  # fmt: skip

    def open(self, node: Node) -> BinaryIO:
        """Open a regular file; see :meth:`scratchpack.sysroot.model.Sysroot.open`."""
        item = self._find(node.canonical)
        if item is None or node.inode != (self._number, 0, item.inode):
            raise ConfinementError(f"cannot read {node.canonical} in {self._name}: it is a file of another root")
        if item.record.kind != "file" or item.layer is None:
            raise InputError(f"cannot read {node.canonical} in {self._name}: it is a {node.kind}, not a regular file")
        return item.layer.open(item.record.spans, item.record.size)

    def list(self, node: Node) -> tuple[str, ...]:
        """Names in a directory, sorted by their bytes."""
        item = self._find(node.canonical)
        if item is None or item.record.kind != "directory":
            raise InputError(f"cannot list {node.canonical} in {self._name}: not a directory")
        return tuple(sorted(item.below, key=os.fsencode))

    def xattrs(self, node: Node) -> Mapping[str, bytes]:
        """``security.capability`` and ``user.*`` of a regular file (S15)."""
        item = self._find(node.canonical)
        if item is None or item.record.kind != "file":
            return {}
        return {
            name: value
            for name, value in item.record.xattrs
            if name == "security.capability" or name.startswith("user.")
        }

    def close(self) -> None:
        """Close the layers; their files cannot be read afterwards."""
        for layer in self._layers:
            layer.close()
        self._layers.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _apply(self, layer: Layer) -> None:
        """One layer over those below it: deletions first, they never touch what the layer brings itself."""
        brought: list[Record] = []
        for record in layer.records():
            parent, _, name = record.path.rpartition("/")
            if name == OPAQUE:
                below = self._find(parent or "/")
                if below is not None:
                    below.below.clear()
            elif name.startswith(WHITEOUT):
                above = self._find(parent or "/")
                if above is not None and not name.startswith(WHITEOUT * 2):
                    above.below.pop(name.removeprefix(WHITEOUT), None)
            else:
                brought.append(record)
        for record in brought:
            self._put(layer, record)

    def _put(self, layer: Layer, record: Record) -> None:
        if record.path == "/":
            self._root.record = record
            return
        *parents, name = record.path.strip("/").split("/")
        at = self._root
        for depth, parent in enumerate(parents, 1):
            there = at.below.get(parent)
            if there is None or there.record.kind != "directory":
                there = _Item(_directory("/" + "/".join(parents[:depth])), None, next(self._inodes))
                at.below[parent] = there
            at = there
        old = at.below.get(name)
        if record.kind == "hard link":
            other = self._find(record.target)
            if other is None or other.record.kind == "directory":
                raise layer.fail(f"{record.path} is a hard link to {record.target}, which is not there")
            at.below[name] = other
        elif record.kind == "directory" and old is not None and old.record.kind == "directory":
            old.record = record
        else:
            at.below[name] = _Item(record, layer, next(self._inodes))

    def _entry(self, directory: str, name: str) -> str | bool | None:
        above = self._find(directory)
        item = above and above.below.get(name)
        if item is None:
            return None
        return item.record.target if item.record.kind == "symlink" else item.record.kind == "directory"

    def _find(self, canonical: str) -> _Item | None:
        at: _Item | None = self._root
        for name in canonical.split("/"):
            if name:
                at = at.below.get(name) if at is not None else None
        return at


def _directory(path: str) -> Record:
    return Record(path, "directory", 0o755, 0, 0, 0, 0, "", (), ())
