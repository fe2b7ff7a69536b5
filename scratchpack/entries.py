"""From a node of a root to an entry of the image: the one place that says which modes, privileges and attributes travel.

In go a node, the reason it is wanted and what the user wants kept; out comes the entry. Every asker of one file gets the
same entry of it, but for whether it runs, which :class:`scratchpack.rootfs.Rootfs` joins.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple
from scratchpack.rootfs import RANK_OPTION, RANK_ROOT, Directory, File, Source

if TYPE_CHECKING:
    from scratchpack.rootfs import Reason
    from scratchpack.sysroot.model import Node, Sysroot

_SET_ID, _PRIVILEGES, _STICKY, _OTHERS_WRITE = 0o6000, 0o7000, 0o1000, 0o002


class Keep(NamedTuple):
    """What of a node travels beyond its bytes."""

    modes: bool = False  # --preserve-modes: the permission bits as they are, not 0755 and 0644
    privileges: bool = False  # --preserve-privileges: set-id bits, file capabilities, extended attributes (S15)


BYTES_ALONE = Keep()


def file_of(
    root: Sysroot,
    node: Node,
    because: tuple[Reason, ...],
    *,
    runs: bool,
    keep: Keep,
    path: str = "",
    rank: int = RANK_ROOT,
) -> File:
    """A regular file, at its own path or at ``path``. ``runs``: somebody starts it, so it is 0755 (0644 otherwise)."""
    mode = node.mode & 0o777 if keep.modes else 0o755 if runs else 0o644
    xattrs: tuple[tuple[str, bytes], ...] = ()
    if keep.privileges:
        xattrs = tuple(sorted(root.xattrs(node).items()))
        mode |= node.mode & _PRIVILEGES if node.mode & _SET_ID else 0
    source = Source(node.size, partial(root.open, node), ("node", node.inode), (root.name, node.canonical))
    return File(path or node.canonical, source, mode, inode=node.inode, xattrs=xattrs, because=because, rank=rank)


def directory_of(node: Node, because: tuple[Reason, ...], *, keep: Keep) -> Directory:
    """A directory of a root's tree that travels whole. What every user may write there, every user may write in the image."""
    shared = bool(node.mode & (_STICKY | _OTHERS_WRITE))
    return Directory(node.canonical, node.mode & (0o777 | _STICKY) if keep.modes or shared else 0o755, because=because)


def sent_directory(node: Node, path: str, because: tuple[Reason, ...], *, keep: Keep) -> Directory:
    """A directory that the user names, at ``path``. A sticky one stays open to every user: no umask makes a directory so."""
    kept = keep.modes or node.mode & _STICKY
    return Directory(path, node.mode & (0o777 | _STICKY) if kept else 0o755, because=because, rank=RANK_OPTION)


def dropped(root: Sysroot, node: Node, keep: Keep) -> str:
    """The line of the report on what of a node's privileges stays behind (S15); "" when nothing does."""
    if keep.privileges:
        return ""
    bits = {0o6000: "setuid and setgid bits", 0o4000: "setuid bit", 0o2000: "setgid bit"}.get(node.mode & _SET_ID)
    attributes = "file capabilities and extended attributes" if root.xattrs(node) else None
    what = " and ".join(text for text in (bits, attributes) if text)
    return f"{node.canonical}: {what} dropped (keep with --preserve-privileges)" if what else ""
