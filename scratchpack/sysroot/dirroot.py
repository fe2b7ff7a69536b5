"""A directory as a root, confined like a chroot (S8, S9). "/" is one of them."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.errors import ConfinementError, InputError, UsageError
from scratchpack.sysroot.confine import DIRECTORY, READ, entry_at, is_absence, open_in_root
from scratchpack.sysroot.model import Node
from scratchpack.sysroot.walk import ROOT, LinkLoopError, Reached, is_path, walk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

MAX_DIRECTORIES = 128  # descriptors kept open
MAX_PLACES = 16384  # resolved directory paths kept in mind

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


class DirRoot:
    """A root directory of this machine; implements :class:`scratchpack.sysroot.model.Sysroot`.

    Directories are resolved once and remembered; a file is looked at anew each time, and compared again when opened.

    Args:
        path: the directory; links in this path itself are followed, it is the user's own word.

    Raises:
        UsageError: no such directory.
    """

    def __init__(self, path: str = "/") -> None:
        self._name = path
        self.kept: dict[str, object] = {}
        try:
            self._root = os.open(path, DIRECTORY & ~os.O_NOFOLLOW)
        except OSError as error:
            raise UsageError(
                f"cannot use {path} as a root: {error.strerror}", hint="--root takes an existing directory"
            ) from error
        self._is_host = os.path.samestat(os.fstat(self._root), os.stat("/"))
        self._directories: dict[str, int] = {}
        self._places: dict[str, Reached | None] = {}

    @property
    def name(self) -> str:
        """The directory as it was given."""
        return self._name

    def lookup(self, path: str, *, cwd: str = "/", follow: bool = True) -> Node | None:
        """Find a name; see :meth:`scratchpack.sysroot.model.Sysroot.lookup`."""
        full = path if path[:1] == "/" else f"{cwd}/{path}"
        if not path or not is_path(full):
            return None
        head, _, leaf = full.rpartition("/")
        try:
            if leaf in ("", ".", ".."):
                place = walk(full, self._entry, follow=True)
            else:
                parent = self._place(head or "/")
                place = parent and walk(leaf, self._entry, follow=follow, start=parent)
            return place and self._node(path, place)
        except LinkLoopError as error:
            raise ConfinementError(
                f"cannot follow {path} in {self._name}: too many symbolic links, or a loop of them",
                hint="look at the links with `namei -l`",
            ) from error
        except OSError as error:
            raise InputError(f"cannot look up {path} in {self._name}: {error.strerror}") from error

    def open(self, node: Node) -> BinaryIO:
        """Open a regular file; see :meth:`scratchpack.sysroot.model.Sysroot.open`."""
        if node.kind != "file":
            raise InputError(f"cannot read {node.canonical} in {self._name}: it is a {node.kind}, not a regular file")
        self._check_open()
        try:
            if self._is_host:  # nothing is outside of it; a changed link shows in the comparison below
                descriptor = os.open(node.canonical, READ | os.O_NOFOLLOW)
            else:
                descriptor = open_in_root(self._root, node.canonical, READ | os.O_NOFOLLOW)
        except PermissionError as error:
            raise InputError(
                f"cannot read {node.canonical} in {self._name}: permission denied", hint="run as a user who may read it"
            ) from error
        except OSError as error:
            raise self._changed(node, error.strerror or "it cannot be opened any more") from error
        try:
            self._compare(node, os.fstat(descriptor))
            return os.fdopen(descriptor, "rb")
        except BaseException:
            os.close(descriptor)
            raise

    def list(self, node: Node) -> tuple[str, ...]:
        """Names in a directory, sorted by their bytes.

        Raises:
            InputError: not a directory, or unreadable.
        """
        try:
            descriptor = os.open(
                ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._descriptor(node.canonical)
            )
            try:
                return tuple(sorted(os.listdir(descriptor), key=os.fsencode))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise InputError(f"cannot list {node.canonical} in {self._name}: {error.strerror}") from error

    def xattrs(self, node: Node) -> Mapping[str, bytes]:
        """``security.capability`` and ``user.*`` of a regular file; empty where the system has no such thing (S15)."""
        if node.kind != "file" or not hasattr(os, "listxattr"):
            return {}
        with self.open(node) as stream:
            try:
                names = os.listxattr(stream.fileno())
            except OSError:  # a filesystem without them
                return {}
            return {
                name: os.getxattr(stream.fileno(), name)
                for name in names
                if name == "security.capability" or name.startswith("user.")
            }

    def close(self) -> None:
        """Close the directories; nothing can be looked up afterwards."""
        self._forget()
        if self._root >= 0:
            os.close(self._root)
            self._root = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_places"):
            self.close()

    def _compare(self, node: Node, now: os.stat_result) -> None:
        """What is opened is what was looked up (S10)."""
        if not stat.S_ISREG(now.st_mode) or (now.st_dev, now.st_ino) != node.inode[1:]:
            raise self._changed(node, "another file stands there now")
        # ctime as well: no program can put it back, as `touch -d` does with mtime
        if (now.st_size, now.st_mtime_ns, now.st_ctime_ns) != (node.size, node.mtime, node.ctime):
            raise self._changed(node, "it was written to")

    def _check_open(self) -> None:
        if self._root < 0:
            raise InputError(f"cannot read anything in {self._name}: this root was closed")

    def _changed(self, node: Node, how: str) -> ConfinementError:
        return ConfinementError(
            f"cannot read {node.canonical} in {self._name}: it changed while it was read ({how})",
            hint="run again when nothing writes to these files any more",
        )

    def _place(self, directory: str) -> Reached | None:
        """Where a directory path leads, remembered."""
        if directory not in self._places:
            if len(self._places) >= MAX_PLACES:
                self._places.clear()
            place = walk(directory, self._entry, follow=True)
            self._places[directory] = place if place and place.kind == "directory" else None
        return self._places[directory]

    def _entry(self, directory: str, name: str) -> str | bool | None:
        try:
            descriptor = self._descriptor(directory)
        except OSError as error:
            if is_absence(error):
                return None
            raise
        return entry_at(descriptor, name)

    def _node(self, asked: str, place: Reached) -> Node | None:
        parent, _, name = place.canonical.rpartition("/")
        try:
            descriptor = self._descriptor(parent or "/")
            status = os.stat(name or ".", dir_fd=descriptor, follow_symlinks=False)
            is_link = stat.S_ISLNK(status.st_mode)
            target = os.readlink(name, dir_fd=descriptor) if is_link else None
        except OSError as error:
            if is_absence(error):
                return None
            raise
        return Node(
            asked, place.canonical, place.links, _KINDS.get(stat.S_IFMT(status.st_mode), "device"),
            stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_size,
            (0, status.st_dev, status.st_ino), status.st_mtime_ns, target, status.st_ctime_ns,
        )  # fmt: skip

    def _descriptor(self, directory: str) -> int:
        """The descriptor of a canonical directory, opened from the nearest one that is open, never through a link."""
        self._check_open()
        if directory == ROOT.canonical:
            return self._root
        if directory not in self._directories:
            if len(self._directories) >= MAX_DIRECTORIES:
                self._forget()
            self._directories[directory] = self._open_directory(directory)
        return self._directories[directory]

    def _open_directory(self, directory: str) -> int:
        above, below = directory, []
        while above and above not in self._directories:
            above, _, name = above.rpartition("/")
            below.append(name)
        at = os.dup(self._directories[above] if above else self._root)
        for name in reversed(below):
            try:
                deeper = os.open(name, DIRECTORY, dir_fd=at)
            finally:
                os.close(at)
            at = deeper
        return at

    def _forget(self) -> None:
        for descriptor in self._directories.values():
            os.close(descriptor)
        self._directories.clear()
