"""Putting a detached mount at a path: the mount and the path in, nothing out. No link of the image leads anywhere but into the image.

Only for a process that has let go of the host: whatever a path resolves to lies in the new root then.
"""

from __future__ import annotations

import errno
import os
import stat

from scratchpack.sandbox import kernel

SAFE = kernel.ATTR_NOSUID | kernel.ATTR_NODEV
PATH = getattr(os, "O_PATH", 0) | os.O_CLOEXEC
_INODES = 1 << 16


def tmpfs(size: int, mode: str) -> str:
    """The options of a file system in memory; ``size`` in bytes."""
    return f"size={max(size, 4096)},nr_inodes={_INODES},mode={mode}"


def place(tree: int, path: str) -> None:
    """Put a detached mount at a path of the image, made where it is not there; never through a last link."""
    status = _status(path)
    if status is None:
        os.makedirs(path, 0o755)
    elif stat.S_ISLNK(status.st_mode):
        raise OSError(
            errno.ELOOP, "is a symbolic link in the image, and what the sandbox puts there needs a place", path
        )
    target = os.open(path, PATH | os.O_NOFOLLOW)
    try:
        kernel.move_mount(tree, target)
    finally:
        os.close(target)
        os.close(tree)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def place_directory(tree: int, path: str) -> str | None:
    """Put a directory of a whole root where it was, links in the way walked inside; why not, where it cannot be."""
    try:
        place(tree, path if path.count("/") == 1 else os.path.realpath(path))
    except OSError as error:
        return f"{path} is not writable: {error.strerror}"
    return None


def place_file(tree: int, path: str) -> str | None:
    """Put a file of an engine where the image has its own, a link walked inside the image; why not, where it cannot be."""
    real = os.path.realpath(path)
    try:
        if not os.path.isfile(real):
            directory(os.path.dirname(real))
            os.close(os.open(real, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
        place(tree, real)
    except OSError as error:
        return f"{path} is the image's, not an engine's: {error.strerror}"
    return None


def directory(path: str) -> None:
    """Make a directory of the image; a link to one counts."""
    if not os.path.isdir(path):
        os.makedirs(path, 0o755)
