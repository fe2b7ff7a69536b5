"""A root with all that is mounted in it ("/" of this machine), read-only, assembled anew: the opened root in, mounts by path out."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from scratchpack.sandbox import kernel
from scratchpack.sandbox.place import PATH, SAFE, tmpfs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Of a whole root: made new. /run is where this machine's services listen.
_OURS = ("proc", "sys", "dev", "tmp", "run")
_OVERLAY = kernel.MS_NOSUID | kernel.MS_NODEV


def assembled(root: int, stage: str) -> tuple[str, dict[str, int]]:
    """A whole root with what is mounted in it: read-only copies of its top directories, to be placed in a root of memory.

    An overlay cannot be put over it: to an ordinary user, and in a user namespace, the mounts below are one piece with it.
    """
    new, trees = f"{stage}/new", {}
    os.mkdir(new, 0o755)
    kernel.mount("tmpfs", new, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,mode=0755")
    os.fchdir(root)  # its path may lie below the stage by now
    for name in os.listdir("."):
        source, place = f"./{name}", f"{new}/{name}"
        mode = os.lstat(source).st_mode
        if stat.S_ISLNK(mode):
            os.symlink(os.readlink(source), place)
        elif name in _OURS:
            os.mkdir(place)
            os.chmod(place, 0o1777 if name == "tmp" else 0o755)
        elif stat.S_ISDIR(mode) or stat.S_ISREG(mode):
            if stat.S_ISDIR(mode):
                os.mkdir(place)
            else:
                os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC))
            tree = kernel.open_tree(source, recursive=stat.S_ISDIR(mode))
            kernel.set_mount(tree, kernel.ATTR_RDONLY | SAFE, recursive=True)
            trees[f"/{name}"] = tree
    os.chdir("/")
    return new, trees


class LaidOver:
    """A tree laid over a whole root: where it has what the root has not, the directory around it is merged of both."""

    def __init__(self, over: int, root: int, new: str, stage: str) -> None:
        """``over`` and ``root`` are the opened directories, ``new`` the assembled root, ``stage`` a place to mount in."""
        self.trees: dict[str, int] = {}  # by path in the root, in the order in which they are to be placed
        self.notes: list[str] = []
        self._new, self._stage = new, stage
        self._lay(over, root, "")

    def _lay(self, above: int, below: int, path: str) -> None:
        kinds = {name: (_kind(above, name), _kind(below, name)) for name in os.listdir(f"/proc/self/fd/{above}")}
        if path and any(over != under or over not in {stat.S_IFDIR, stat.S_IFREG} for over, under in kinds.values()):
            place = f"{self._stage}/over{len(self.trees)}"
            os.mkdir(place)
            try:
                merge(place, above, below)
                self.trees[path] = kernel.open_tree(place)
            except OSError as error:  # the kernel merges no directory in which something is mounted
                self.notes.append(f"{path} is this machine's, without what the image has there: {error.strerror}")
            else:
                return
        for name, (over, under) in sorted(kinds.items()):
            if over == under == stat.S_IFDIR and (path or name not in _OURS):
                inner = [os.open(f"/proc/self/fd/{each}/{name}", PATH | os.O_DIRECTORY) for each in (above, below)]
                self._lay(inner[0], inner[1], f"{path}/{name}")
                for each in inner:
                    os.close(each)
            elif over == under == stat.S_IFREG or (not path and under == 0 and name not in _OURS):
                self._put(above, name, path, over)

    def _put(self, above: int, name: str, path: str, kind: int) -> None:
        source, place = f"/proc/self/fd/{above}/{name}", f"{self._new}/{name}"
        if not path and kind == stat.S_IFLNK:
            os.symlink(os.readlink(source), place)
            return
        if not path and not os.path.lexists(place):
            if kind == stat.S_IFDIR:
                os.mkdir(place)
            else:
                os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC))
        tree = kernel.open_tree(source)
        kernel.set_mount(tree, kernel.ATTR_RDONLY | SAFE)
        self.trees[f"{path}/{name}"] = tree


def merge(place: str, *directories: int, upper: str = "") -> None:
    """Mount opened directories as one, the first on top; ``upper`` are the options that make it writable.

    They are named by their descriptors: overlayfs splits its options at "," and ":", which a path may hold.
    """
    lower = ":".join(f"/proc/self/fd/{each}" for each in directories)
    kernel.mount("overlay", place, "overlay", _OVERLAY, f"lowerdir={lower}{upper},userxattr")


def _kind(directory: int, name: str) -> int:
    """The kind of a name as in st_mode; 0 for nothing."""
    try:
        return stat.S_IFMT(os.lstat(f"/proc/self/fd/{directory}/{name}").st_mode)
    except FileNotFoundError:
        return 0


def sources(root: str, over: str, scratch: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The directories that stay writable, opened while they can be named: in the tree over the root, then in the root."""
    found: dict[str, tuple[int, ...]] = {}
    for path in sorted(scratch):
        own = path.lstrip("/")
        places = [os.path.join(over, own)] if over else []
        if own.partition("/")[0] not in _OURS or own.startswith("tmp/"):  # what lies in /tmp can be named, /tmp not
            places.append(os.path.join(root, own))
        opened = []
        for place in places:
            try:
                opened.append(os.open(place, PATH | os.O_DIRECTORY))
            except OSError:
                continue
        found[path] = tuple(opened)
    return found


def scratch_copies(below: Mapping[str, tuple[int, ...]], stage: str, disk: int) -> dict[str, int]:
    """Writable copies of directories of a whole root, in memory; an empty one where the kernel allows no copy."""
    trees = {}
    for number, (path, opened) in enumerate(below.items()):
        place = f"{stage}/scratch{number}"
        for name in ("upper", "work", "new"):
            os.makedirs(f"{place}/{name}", 0o755)
        try:
            if not opened:
                raise FileNotFoundError(errno.ENOENT, "not there yet", path)
            status = os.stat(f"/proc/self/fd/{opened[0]}")
            os.chmod(f"{place}/upper", stat.S_IMODE(status.st_mode))
            with contextlib.suppress(OSError):  # an owner that has no number in here
                os.chown(f"{place}/upper", status.st_uid, status.st_gid)
            writable = f",upperdir={place}/upper,workdir={place}/work"
            try:
                merge(f"{place}/new", *opened, upper=writable)
            except OSError:  # something is mounted in the root's: then the one of the tree over it alone
                merge(f"{place}/new", opened[0], upper=writable)
        except OSError:
            kernel.mount("tmpfs", f"{place}/new", "tmpfs", _OVERLAY, tmpfs(disk, "1777"))
        trees[path] = kernel.open_tree(f"{place}/new")
    return trees
