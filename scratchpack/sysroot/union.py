"""An image with another root shining through where the image has nothing, as an overlay file system shows them."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.errors import ConfinementError, InputError
from scratchpack.sysroot.walk import MAX_PATH, LinkLoopError, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scratchpack.sysroot.model import Node, Sysroot


class UnionRoot:
    """Two roots as one; implements :class:`scratchpack.sysroot.model.Sysroot`.

    A directory of both is one directory. Of anything else the upper root's is seen, so what the lower one has below a link or a file
    of the upper is not there.

    Args:
        upper: the root that is seen first.
        lower: what is seen where the upper one has nothing.
        first: canonical paths of which the lower one's file is seen all the same.
    """

    def __init__(self, upper: Sysroot, lower: Sysroot, first: frozenset[str] = frozenset()) -> None:
        self._upper, self._lower, self._first = upper, lower, first
        self.kept: dict[str, object] = {}
        self._nodes: dict[str, tuple[Sysroot, Node] | None] = {}

    @property
    def name(self) -> str:
        """The lower root: what is missing is missing there, too."""
        return self._lower.name

    def lookup(self, path: str, *, cwd: str = "/", follow: bool = True) -> Node | None:
        """Find a name; see :meth:`scratchpack.sysroot.model.Sysroot.lookup`."""
        full = path if path[:1] == "/" else f"{cwd}/{path}"
        if not path or len(os.fsencode(full)) >= MAX_PATH or "\0" in full:
            return None
        try:
            place = walk(full, self._entry, follow=follow)
        except LinkLoopError as error:
            raise ConfinementError(
                f"cannot follow {path} in {self._upper.name} over {self.name}: too many symbolic links, or a loop of them"
            ) from error
        found = None if place is None else self._find(place.canonical)
        if place is None or found is None:
            return None
        return found[1]._replace(asked=path, canonical=place.canonical, links=place.links)

    def open(self, node: Node) -> BinaryIO:
        """Open a regular file; see :meth:`scratchpack.sysroot.model.Sysroot.open`."""
        root, own = self._owner(node)
        return root.open(own)

    def list(self, node: Node) -> tuple[str, ...]:
        """Names in a directory of either side, sorted by their bytes."""
        names: set[str] = set()
        for root in (self._upper, self._lower):
            own = root.lookup(node.canonical, follow=False)
            if own is not None and own.kind == "directory" and own.canonical == node.canonical:
                names |= set(root.list(own))
        if not names and node.kind != "directory":
            raise InputError(f"cannot list {node.canonical} in {self.name}: not a directory")
        return tuple(sorted(names, key=os.fsencode))

    def xattrs(self, node: Node) -> Mapping[str, bytes]:
        """Extended attributes, as the root that the file stands in has them."""
        root, own = self._owner(node)
        return root.xattrs(own)

    def is_upper(self, path: str) -> bool:
        """Whether what is seen at a canonical path is the upper root's."""
        found = self._find(path)
        return found is not None and found[0] is self._upper

    def _owner(self, node: Node) -> tuple[Sysroot, Node]:
        found = self._find(node.canonical)
        if found is None or found[1].inode != node.inode:
            raise ConfinementError(f"cannot read {node.canonical} in {self.name}: it is a file of another root")
        return found

    def _entry(self, directory: str, name: str) -> str | bool | None:
        found = self._find(posixpath.join(directory, name))
        if found is None:
            return None
        node = found[1]
        return node.target or "" if node.kind == "symlink" else node.kind == "directory"

    def _find(self, canonical: str) -> tuple[Sysroot, Node] | None:
        if canonical not in self._nodes:
            self._nodes[canonical] = self._look(canonical)
        return self._nodes[canonical]

    def _look(self, canonical: str) -> tuple[Sysroot, Node] | None:
        order = (self._lower, self._upper) if canonical in self._first else (self._upper, self._lower)
        for root in order:
            node = root.lookup(canonical, follow=False)
            if node is not None and node.canonical == canonical:  # else a link of that root leads elsewhere
                return root, node
        return None
