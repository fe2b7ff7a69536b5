"""The guest's view of the file system: a root directory in, this process's new root out, nothing else reachable.

Runs in the sandbox's first process, alone in a new mount namespace. Everything that comes from the host (devices, a
clean /proc) is taken as a detached mount first; then the host is let go of; only then are paths of the image resolved.
So a link in the image can lead to another place of the image and nowhere else, whatever it names and whenever it changes.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Any

from scratchpack.sandbox import devices, kernel, wholeroot
from scratchpack.sandbox.place import PATH, SAFE, directory, place, place_directory, place_file, tmpfs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STAGES = ("/tmp", "/mnt", "/run", "/var")  # noqa: S108 - directories to mount on, in a namespace of our own
_HOSTS = """\
127.0.0.1\tlocalhost {hostname}
::1\tlocalhost ip6-localhost ip6-loopback
"""


def enter(guest: Mapping[str, Any], resolv_conf: str) -> list[str]:
    """Make ``guest["root"]`` this process's root; what an engine also gives and this kernel does not, as sentences.

    Raises:
        OSError: something is refused; the message says which step.
    """
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    root = os.open(guest["root"], PATH | os.O_DIRECTORY)
    over = os.open(guest["over"], PATH | os.O_DIRECTORY) if guest["over"] else -1
    notes: list[str] = []
    copies = devices.copies()
    proc = kernel.new_mount("proc", SAFE | kernel.ATTR_NOEXEC)
    try:
        system = kernel.new_mount("sysfs", SAFE | kernel.ATTR_NOEXEC | kernel.ATTR_RDONLY)
    except OSError:  # a network namespace that is not ours: the kernel refuses to show its /sys
        system = -1
        notes.append("/sys is empty: the kernel allows no new one here")
    sources = wholeroot.sources(guest["root"], guest["over"], guest["scratch"]) if guest["whole"] else {}
    stage = next((path for path in _STAGES if os.path.isdir(path) and not os.path.islink(path)), guest["root"])
    kernel.mount("tmpfs", stage, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, tmpfs(guest["limits"]["disk"], "0755"))
    files = _engine_files(stage, guest["hostname"], resolv_conf)
    trees: dict[str, int] = {}
    if guest["whole"]:
        scratch = wholeroot.scratch_copies(sources, stage, guest["limits"]["disk"])
        new, trees = wholeroot.assembled(root, stage)
        if over >= 0:
            laid = wholeroot.LaidOver(over, root, new, stage)
            trees |= laid.trees
            notes += laid.notes
        trees |= scratch
    else:
        new = _overlay(root, over, stage)
    kernel.pivot_to(new)
    for path, tree in trees.items():
        why = place_directory(tree, path)
        notes += [why] if why else []
    place(proc, "/proc")
    if system >= 0:
        place(system, "/sys")
    devices.mount(copies, guest["gid"])
    notes += [why for why in (place_file(tree, path) for path, tree in files.items()) if why is not None]
    if guest["whole"]:
        root_only = os.open("/", PATH | os.O_DIRECTORY)
        kernel.set_mount(root_only, kernel.ATTR_RDONLY)
        os.close(root_only)
        return notes
    for path in dict.fromkeys((*guest["scratch"], guest["cwd"])):
        directory(path)
    if not guest["writable"]:
        notes += _read_only(guest["scratch"], guest["limits"]["disk"])
    return notes


def _overlay(root: int, over: int, stage: str) -> str:
    """The root below, memory above: what is written lands in memory, bounded, and the directory stays as it is."""
    status = os.fstat(root)
    upper, work, new = (f"{stage}/{name}" for name in ("upper", "work", "new"))
    for each in (upper, work, new):
        os.mkdir(each, 0o755)
    os.chmod(upper, stat.S_IMODE(status.st_mode))
    with contextlib.suppress(OSError):  # an owner that has no number in here
        os.chown(upper, status.st_uid, status.st_gid)
    lower = (root,) if over < 0 else (over, root)
    wholeroot.merge(new, *lower, upper=f",upperdir={upper},workdir={work}")
    return new


def _engine_files(stage: str, hostname: str, resolv_conf: str) -> dict[str, int]:
    """The three files that every engine puts over the image's own, as detached mounts: their directory may not be ours."""
    made = {}
    for name, text in (
        ("hosts", _HOSTS.format(hostname=hostname)),
        ("hostname", hostname + "\n"),
        ("resolv.conf", resolv_conf),
    ):
        with open(f"{stage}/{name}", "x") as stream:
            os.fchmod(stream.fileno(), 0o644)
            stream.write(text)
        made[f"/etc/{name}"] = kernel.open_tree(f"{stage}/{name}")
    return made


def _read_only(scratch: Sequence[str], disk: int) -> list[str]:
    """The root takes no write, but for the scratch directories: mounts of their own on the same overlay.

    A directory whose owner has no number in here cannot be copied into memory: an empty one lies over it.
    """
    kept, notes = [], []
    for path in scratch:
        real = os.path.realpath(path)
        try:
            os.utime(real)
            kept.append((real, kernel.open_tree(real)))
        except OSError:
            kept.append((real, kernel.new_mount("tmpfs", SAFE, mode="1777", size=str(disk))))
            notes.append(
                f"{path} is an empty directory in memory: it belongs to a user that does not exist in the sandbox"
            )
    root = os.open("/", PATH | os.O_DIRECTORY)
    try:
        kernel.set_mount(root, kernel.ATTR_RDONLY)
    finally:
        os.close(root)
    for real, tree in kept:
        place(tree, real)
    return notes
