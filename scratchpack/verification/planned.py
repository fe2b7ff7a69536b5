"""The planned root filesystem seen as a root, so that the loader's rules can be asked about it before it exists."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.errors import ConfinementError, InputError
from scratchpack.rootfs import Directory, File, Rootfs, Symlink
from scratchpack.sysroot.model import Node
from scratchpack.sysroot.walk import LinkLoopError, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Link


class PlannedRoot:
    """A :class:`~scratchpack.sysroot.model.Sysroot` over entries; nothing is on a disk yet."""

    def __init__(self, rootfs: Rootfs, *, name: str = "the planned image") -> None:
        self.name = name
        self.kept: dict[str, object] = {}
        self._rootfs = rootfs
        self._names: dict[str, set[str]] = {"/": set()}
        self._number: dict[str, int] = {}
        inodes: dict[tuple[int, ...], int] = {}
        for count, entry in enumerate(rootfs, 1):
            path = entry.path
            if isinstance(entry, File) and entry.inode is not None:
                self._number[path] = inodes.setdefault(entry.inode, count)
            else:
                self._number[path] = count
            if isinstance(entry, Directory):
                self._names.setdefault(path, set())
            while path != "/":
                parent, name = posixpath.split(path)
                self._names.setdefault(parent, set()).add(name)
                path = parent

    def lookup(self, path: str, *, cwd: str = "/", follow: bool = True) -> Node | None:
        """See :meth:`Sysroot.lookup`."""
        if not path:
            return None
        full = path if path.startswith("/") else f"{cwd}/{path}"
        try:
            place = walk(full, self._kind, follow=follow)
        except LinkLoopError as error:
            raise ConfinementError(f"cannot follow {path}: too many symbolic links in {self.name}") from error
        return None if place is None else self._node(path, place.canonical, place.links)

    def _kind(self, directory: str, name: str) -> str | bool | None:
        path = posixpath.join(directory, name)
        entry = self._rootfs.get(path)
        if isinstance(entry, Symlink):
            return entry.target
        if path in self._names:
            return True
        return None if entry is None else False

    def open(self, node: Node) -> BinaryIO:
        """See :meth:`Sysroot.open`."""
        entry = self._rootfs.get(node.canonical)
        if not isinstance(entry, File):
            raise InputError(f"cannot read {node.canonical} of {self.name}: not a regular file")
        return entry.source.open()

    def list(self, node: Node) -> tuple[str, ...]:
        """See :meth:`Sysroot.list`."""
        return tuple(sorted(self._names.get(node.canonical, ()), key=os.fsencode))

    def xattrs(self, node: Node) -> Mapping[str, bytes]:
        """See :meth:`Sysroot.xattrs`."""
        entry = self._rootfs.get(node.canonical)
        return dict(entry.xattrs) if isinstance(entry, File) else {}

    def _node(self, asked: str, path: str, links: tuple[Link, ...]) -> Node:
        entry: Entry | None = self._rootfs.get(path)
        inode = (id(self), 0, self._number.get(path, -1 - len(path)))
        match entry:
            case File():
                size = entry.size
                return Node(asked, path, links, "file", entry.mode, entry.uid, entry.gid, size, inode, 0)
            case Symlink():
                size = len(os.fsencode(entry.target))
                return Node(asked, path, links, "symlink", 0o777, 0, 0, size, inode, 0, entry.target)
            case Directory():
                return Node(asked, path, links, "directory", entry.mode, entry.uid, entry.gid, 0, inode, 0)
            case None:
                return Node(asked, path, links, "directory", 0o755, 0, 0, 0, inode, 0)
