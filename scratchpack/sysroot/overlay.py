"""A root with other files laid over it: what an image will hold at its places, before the image exists.

In go a root and, for paths of the image, nodes of any root; out comes one root in which every name is looked up as the
kernel would where both lie in one tree. :class:`Without` is the opposite: a root from which some files are gone.
"""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.errors import ConfinementError, InputError
from scratchpack.record import NamedTuple
from scratchpack.sysroot.model import Node
from scratchpack.sysroot.walk import LinkLoopError, is_path, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from scratchpack.sysroot.model import Sysroot


class Laid(NamedTuple):
    """One file, link or directory that is laid over a root, as it stands in its own root (links not followed)."""

    root: Sysroot
    node: Node


class OverlayRoot:
    """A root with files over it; implements :class:`scratchpack.sysroot.model.Sysroot`.

    A directory on both sides is one directory; anything else that is laid over hides what stood there. The files keep
    their inodes, so one file at two places is one file here too.

    Args:
        below: the root underneath.
        over: what lies over it, by absolute path in the image: no link above it, none of it in ``below`` either.
        hidden: canonical paths of ``below`` that are gone.
    """

    def __init__(self, below: Sysroot, over: Mapping[str, Laid], hidden: Iterable[str] = ()) -> None:
        self.below = below
        self.kept: dict[str, object] = {}
        self._over = over
        self._hidden = frozenset(hidden)
        self._names: dict[str, set[str]] = {}
        self._entries: dict[str, str | bool | None] = {}
        for path, laid in over.items():
            if laid.node.kind == "directory":
                self._names.setdefault(path, set())
            at = path
            while at != "/":
                parent, name = posixpath.split(at)
                self._names.setdefault(parent, set()).add(name)
                at = parent
        self._numbers = {path: number for number, path in enumerate(self._names)}

    @property
    def name(self) -> str:
        """The root underneath: it is what a user has to mend."""
        return self.below.name

    def over(self, path: str) -> Laid | None:
        """What is laid over the root at exactly this path."""
        return self._over.get(path)

    def lookup(self, path: str, *, cwd: str = "/", follow: bool = True) -> Node | None:
        """Find a name; see :meth:`scratchpack.sysroot.model.Sysroot.lookup`."""
        full = path if path[:1] == "/" else f"{cwd}/{path}"
        if not path or not is_path(full):
            return None
        try:
            place = walk(full, self._entry, follow=follow)
        except LinkLoopError as error:
            raise ConfinementError(
                f"cannot follow {path} in {self.name}: too many symbolic links, or a loop of them",
                hint="look at the links with `namei -l`",
            ) from error
        if place is None:
            return None
        node = self._node(place.canonical)
        return node and node._replace(asked=path, canonical=place.canonical, links=place.links)

    def open(self, node: Node) -> BinaryIO:
        """Open a regular file; see :meth:`scratchpack.sysroot.model.Sysroot.open`."""
        laid = self._over.get(node.canonical)
        if laid is None:
            return self.below.open(node)
        if laid.node.inode != node.inode:
            raise ConfinementError(f"cannot read {node.canonical} in {self.name}: it is a file of another root")
        return laid.root.open(laid.node)

    def list(self, node: Node) -> tuple[str, ...]:
        """Names in a directory of either side, sorted by their bytes."""
        names = set(self._names.get(node.canonical, ()))
        below = self.below.lookup(node.canonical, follow=False)
        if below is not None and below.kind == "directory":
            names |= {
                name for name in self.below.list(below) if posixpath.join(node.canonical, name) not in self._hidden
            }
        elif node.canonical not in self._names:
            raise InputError(f"cannot list {node.canonical} in {self.name}: not a directory")
        return tuple(sorted(names, key=os.fsencode))

    def xattrs(self, node: Node) -> Mapping[str, bytes]:
        """Extended attributes, as the root that the file stands in has them."""
        laid = self._over.get(node.canonical)
        return self.below.xattrs(node) if laid is None else laid.root.xattrs(laid.node)

    def _entry(self, directory: str, name: str) -> str | bool | None:
        path = posixpath.join(directory, name)
        if path not in self._entries:
            node = self._node(path)
            if node is None:
                self._entries[path] = None
            else:
                self._entries[path] = node.target or "" if node.kind == "symlink" else node.kind == "directory"
        return self._entries[path]

    def _node(self, canonical: str) -> Node | None:
        laid = self._over.get(canonical)
        if laid is not None:
            return laid.node
        below = None if canonical in self._hidden else self.below.lookup(canonical, follow=False)
        if canonical in self._names and (below is None or below.kind != "directory"):
            return Node(canonical, canonical, (), "directory", 0o755, 0, 0, 0, (-1, 0, self._numbers[canonical]), 0)
        return below


class Without:
    """A root from which some files are gone; implements :class:`scratchpack.sysroot.model.Sysroot`.

    Args:
        behind: the root.
        gone: whether a file that was found, by its own path or by a link that led to it, is to be as if it were not there.
    """

    def __init__(self, behind: Sysroot, gone: Callable[[Node], bool]) -> None:
        self._behind = behind
        self._gone = gone
        self.open = behind.open
        self.list = behind.list
        self.xattrs = behind.xattrs

    @property
    def name(self) -> str:
        """The root's."""
        return self._behind.name

    @property
    def kept(self) -> dict[str, object]:
        """What others keep with the root."""
        return self._behind.kept

    def lookup(self, path: str, *, cwd: str = "/", follow: bool = True) -> Node | None:
        """Find a name that is not gone; see :meth:`scratchpack.sysroot.model.Sysroot.lookup`."""
        node = self._behind.lookup(path, cwd=cwd, follow=follow)
        return None if node is None or (node.kind != "directory" and self._gone(node)) else node
