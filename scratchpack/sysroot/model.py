"""What a root answers: nodes, and the protocol that every kind of root keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LINKS = 40  # the kernel's own bound (ELOOP), S8


class Link(NamedTuple):
    """A symbolic link that a lookup walked through."""

    path: str  # canonical path of the link itself: no component before the last is a link
    target: str  # as stored


class Node(NamedTuple):
    """One name of a root, looked up.

    ``canonical`` has no symbolic link in it (but may be one itself, with ``follow=False``). ``inode`` is equal for
    two nodes exactly when they are one file. ``size`` is bytes; ``mtime`` and ``ctime`` nanoseconds, for S10.
    """

    asked: str
    canonical: str
    links: tuple[Link, ...]
    kind: str  # "file" | "directory" | "symlink" | "fifo" | "socket" | "device"
    mode: int  # permission bits, 07777
    uid: int
    gid: int
    size: int
    inode: tuple[int, int, int]  # root, device, inode
    mtime: int
    target: str | None = None  # of a symlink that was not followed
    ctime: int = 0  # 0 where a root knows none


class Sysroot(Protocol):
    """A root directory, an image's layers, or a planned file set: all confined like a chroot (S8, S9)."""

    @property
    def name(self) -> str:
        """What messages call this root: "/" or the directory or image."""

    @property
    def kept(self) -> dict[str, object]:
        """What other rooms worked out about this root and will ask for again, by their name; it goes with the root."""

    def lookup(self, path: str, *, cwd: str = "/", follow: bool = True) -> Node | None:
        """Find a name as the kernel would inside this root.

        Returns ``None`` for ENOENT, ENOTDIR, EACCES and a dangling link.

        Raises:
            ConfinementError: a symbolic link loop (ELOOP).
        """

    def open(self, node: Node) -> BinaryIO:
        """Open a regular file for reading, and check it is still the one that was looked up (S10).

        Raises:
            InputError: not a regular file, or unreadable.
            ConfinementError: it changed since.
        """

    def list(self, node: Node) -> tuple[str, ...]:
        """Names in a directory, sorted by their bytes."""

    def xattrs(self, node: Node) -> Mapping[str, bytes]:
        """Extended attributes of a regular file that matter to an image (S15: ``security.capability``, ``user.*``)."""
