"""A root with all that is mounted in it ("/" of this machine), read-only, assembled anew: the opened root in, mounts by path out."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from scratchpack.sandbox import kernel
from scratchpack.sandbox.place import PATH, SAFE, tmpfs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OURS = (
    "proc",
    "sys",
    "dev",
    "tmp",
    "run",
)  # of a whole root: made new, and /run is where this machine's services listen


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


def sources(root: str, scratch: Sequence[str]) -> dict[str, int | None]:
    """The directories that stay writable, opened while they can be named; ``None`` for one that is not there."""
    found: dict[str, int | None] = {}
    for path in scratch:
        try:
            found[path] = os.open(os.path.join(root, path.lstrip("/")), PATH | os.O_DIRECTORY)
        except OSError:
            found[path] = None
    return found


def scratch_copies(below: Mapping[str, int | None], stage: str, disk: int) -> dict[str, int]:
    """Writable copies of directories of a whole root, in memory; an empty one where the kernel allows no copy."""
    trees = {}
    for number, (path, source) in enumerate(below.items()):
        place = f"{stage}/scratch{number}"
        for name in ("upper", "work", "new"):
            os.makedirs(f"{place}/{name}", 0o755)
        try:
            if source is None:
                raise FileNotFoundError(errno.ENOENT, "not there yet", path)
            os.fchdir(source)
            os.chmod(f"{place}/upper", stat.S_IMODE(os.stat(".").st_mode))
            options = f"lowerdir=.,upperdir={place}/upper,workdir={place}/work,userxattr"
            kernel.mount("overlay", f"{place}/new", "overlay", kernel.MS_NOSUID | kernel.MS_NODEV, options)
        except OSError:
            kernel.mount("tmpfs", f"{place}/new", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, tmpfs(disk, "1777"))
        trees[path] = kernel.open_tree(f"{place}/new")
    os.chdir("/")
    return trees
