"""The guest's /dev: the host's harmless devices as detached mounts, and the file systems that engines mount there."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from scratchpack.sandbox import kernel
from scratchpack.sandbox.place import SAFE, place

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
_SHM = 64 << 20  # bytes of /dev/shm, as docker has it


def copies() -> dict[str, int]:
    """Detached mounts of the devices that every program may use, by name; taken while the host's /dev can be seen."""
    return {name: _device(name, number) for name, number in _DEVICES.items()}


def _device(name: str, number: tuple[int, int]) -> int:
    """A detached copy of one device of the host: an ordinary user can make none.

    Read-only means its mode and owner, which the guest's root could change for the whole machine; not its use.
    """
    path = f"/dev/{name}"
    status = os.lstat(path)
    if not stat.S_ISCHR(status.st_mode) or (os.major(status.st_rdev), os.minor(status.st_rdev)) != number:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), path)
    tree = kernel.open_tree(path)
    kernel.set_mount(tree, kernel.ATTR_RDONLY | kernel.ATTR_NOSUID | kernel.ATTR_NOEXEC)
    return tree


def mount(devices: Mapping[str, int], gid: int) -> None:
    """Make /dev of the new root, with these devices in it; ``gid`` owns its terminals."""
    place(kernel.new_mount("tmpfs", kernel.ATTR_NOSUID | kernel.ATTR_NOEXEC, size="65536", mode="0755"), "/dev")
    for name, tree in devices.items():
        os.close(os.open(f"/dev/{name}", os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_WRONLY, 0o666))
        place(tree, f"/dev/{name}")
    for name, target in _LINKS.items():
        os.symlink(target, f"/dev/{name}")
    terminals = kernel.new_mount(
        "devpts", kernel.ATTR_NOSUID | kernel.ATTR_NOEXEC, newinstance="", ptmxmode="0666", mode="0620", gid=str(gid)
    )
    place(terminals, "/dev/pts")
    place(kernel.new_mount("tmpfs", SAFE | kernel.ATTR_NOEXEC, size=str(_SHM), mode="1777"), "/dev/shm")  # noqa: S108
    place(kernel.new_mount("mqueue", SAFE | kernel.ATTR_NOEXEC), "/dev/mqueue")
