"""An image's layers as one root: whiteouts, opaque directories and hard links as an engine applies them."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.errors import ConfinementError, InputError
from scratchpack.layers.history import History
from scratchpack.oci.unpack import MAX_UNPACKED
from scratchpack.sysroot.model import Node
from scratchpack.sysroot.walk import LinkLoopError, is_path, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Self

    from scratchpack.layers.versions import PathVersion

_ROOTS = itertools.count(1)  # 0 is the machine's own files (DirRoot)


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
        self.history = History(openers, name=name, limit=limit)

    @property
    def name(self) -> str:
        """The image."""
        return self._name

    def lookup(self, path: str, *, cwd: str = "/", follow: bool = True) -> Node | None:
        """Find a name; see :meth:`scratchpack.sysroot.model.Sysroot.lookup`."""
        full = path if path[:1] == "/" else f"{cwd}/{path}"
        if not path or not is_path(full):
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
        record = item.inode.record
        return Node(
            path, place.canonical, place.links, record.kind, record.mode, record.uid, record.gid, record.size,
            (self._number, 0, item.inode.number), record.mtime, record.target if record.kind == "symlink" else None,
        )  # fmt: skip

    def open(self, node: Node) -> BinaryIO:
        """Open a regular file; see :meth:`scratchpack.sysroot.model.Sysroot.open`."""
        item = self._find(node.canonical)
        if item is None or node.inode != (self._number, 0, item.inode.number):
            raise ConfinementError(f"cannot read {node.canonical} in {self._name}: it is a file of another root")
        if item.inode.record.kind != "file":
            raise InputError(f"cannot read {node.canonical} in {self._name}: it is a {node.kind}, not a regular file")
        return self.history.open(item.inode)

    def list(self, node: Node) -> tuple[str, ...]:
        """Names in a directory, sorted by their bytes."""
        item = self._find(node.canonical)
        if item is None or item.below is None:
            raise InputError(f"cannot list {node.canonical} in {self._name}: not a directory")
        return tuple(sorted(item.below, key=os.fsencode))

    def xattrs(self, node: Node) -> Mapping[str, bytes]:
        """``security.capability`` and ``user.*`` of a regular file (S15)."""
        item = self._find(node.canonical)
        if item is None or item.inode.record.kind != "file":
            return {}
        return {
            name: value
            for name, value in item.inode.record.xattrs
            if name == "security.capability" or name.startswith("user.")
        }

    def close(self) -> None:
        """Close the layers; their files cannot be read afterwards."""
        self.history.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _entry(self, directory: str, name: str) -> str | bool | None:
        above = self._find(directory)
        item = above.below.get(name) if above is not None and above.below is not None else None
        if item is None:
            return None
        return item.inode.record.target if item.inode.record.kind == "symlink" else item.below is not None

    def _find(self, canonical: str) -> PathVersion | None:
        return self.history.find(canonical)
