"""The guest's view of the file system: a root directory in, this process's new root out, nothing else reachable.

Runs in the sandbox's first process, alone in a new mount namespace. Everything that comes from the host (devices, a
clean /proc) is taken as a detached mount first; then the host is let go of; only then are paths of the image resolved.
So a link in the image can lead to another place of the image and nowhere else, whatever it names and whenever it changes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING, Any

from scratchpack.sandbox import kernel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
# Beside what no ordinary user may read, engines hide these from a container.
MASKED = (
    *("/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug"),
    *("/proc/scsi", "/proc/timer_list", "/proc/timer_stats"),
    *("/sys/devices/virtual/powercap", "/sys/firmware", "/sys/fs/cgroup"),
)
_STAGES = ("/tmp", "/mnt", "/run", "/var")  # noqa: S108 - directories to mount on, in a namespace of our own
_SHM = 64 << 20  # bytes of /dev/shm, as docker has it
_INODES = 1 << 16
_HOSTS = """\
127.0.0.1\tlocalhost {hostname}
::1\tlocalhost ip6-localhost ip6-loopback
"""
_SAFE = kernel.ATTR_NOSUID | kernel.ATTR_NODEV
_PATH = getattr(os, "O_PATH", 0) | os.O_CLOEXEC


def enter(guest: Mapping[str, Any], resolv_conf: str) -> list[str]:
    """Make ``guest["root"]`` this process's root; what an engine also gives and this kernel does not, as sentences.

    Raises:
        OSError: something is refused; the message says which step.
    """
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    root = os.open(guest["root"], _PATH | os.O_DIRECTORY)
    notes: list[str] = []
    devices = {name: _device(name, number) for name, number in DEVICES.items()}
    proc = kernel.new_mount("proc", _SAFE | kernel.ATTR_NOEXEC)
    try:
        system = kernel.new_mount("sysfs", _SAFE | kernel.ATTR_NOEXEC | kernel.ATTR_RDONLY)
    except OSError:  # a network namespace that is not ours: the kernel refuses to show its /sys
        system = -1
        notes.append("/sys is empty: the kernel allows no new one here")
    sources = _sources(guest["root"], guest["scratch"]) if guest["whole"] else {}
    stage = next((path for path in _STAGES if os.path.isdir(path) and not os.path.islink(path)), guest["root"])
    kernel.mount("tmpfs", stage, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, _tmpfs(guest["limits"]["disk"], "0755"))
    files = _engine_files(stage, guest["hostname"], resolv_conf)
    trees: dict[str, int] = {}
    if guest["whole"]:
        scratch = _scratch_copies(sources, stage, guest["limits"]["disk"])
        new, trees = _assembled(root, stage)
        trees |= scratch
    else:
        new = _overlay(root, stage)
    kernel.pivot_to(new)
    for path, tree in trees.items():
        why = _place_directory(tree, path)
        notes += [why] if why else []
    _place(proc, "/proc")
    if system >= 0:
        _place(system, "/sys")
    _devices(devices, guest["gid"])
    notes += [why for why in (_place_file(tree, path) for path, tree in files.items()) if why is not None]
    if guest["whole"]:
        root_only = os.open("/", _PATH | os.O_DIRECTORY)
        kernel.set_mount(root_only, kernel.ATTR_RDONLY)
        os.close(root_only)
        return notes
    for path in dict.fromkeys((*guest["scratch"], guest["cwd"])):
        _directory(path)
    if not guest["writable"]:
        notes += _read_only(guest["scratch"], guest["limits"]["disk"])
    return notes


def seal() -> None:
    """Close what a guest must not change or read in /proc and /sys: after our own settings there.

    Much of /proc obeys the number 0 itself, not a capability: where we are root, the guest's root would be obeyed.
    """
    hidden = list(MASKED)
    for name in os.listdir("/proc"):
        path = f"/proc/{name}"
        mode = os.lstat(path).st_mode
        if name.isdigit() or stat.S_ISLNK(mode) or path in hidden:
            continue
        if stat.S_ISREG(mode) and not mode & stat.S_IROTH:
            hidden.append(path)
        elif stat.S_ISDIR(mode) or mode & 0o222:
            tree = kernel.open_tree(path)
            kernel.set_mount(tree, kernel.ATTR_RDONLY | _SAFE | kernel.ATTR_NOEXEC)
            _place(tree, path)
    for path in hidden:
        if os.path.isdir(path):
            _place(kernel.new_mount("tmpfs", _SAFE | kernel.ATTR_NOEXEC | kernel.ATTR_RDONLY, size="0"), path)
        elif os.path.exists(path):
            _place(kernel.open_tree("/dev/null"), path)


def _tmpfs(size: int, mode: str) -> str:
    return f"size={max(size, 4096)},nr_inodes={_INODES},mode={mode}"


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


def _overlay(root: int, stage: str) -> str:
    """The root below, memory above: what is written lands in memory, bounded, and the directory stays as it is."""
    status = os.fstat(root)
    upper, work, new = (f"{stage}/{name}" for name in ("upper", "work", "new"))
    for directory in (upper, work, new):
        os.mkdir(directory, 0o755)
    os.chmod(upper, stat.S_IMODE(status.st_mode))
    with contextlib.suppress(OSError):  # an owner that has no number in here
        os.chown(upper, status.st_uid, status.st_gid)
    os.fchdir(root)  # overlayfs splits its options at "," and ":", which a path may hold
    kernel.mount(
        "overlay",
        new,
        "overlay",
        kernel.MS_NOSUID | kernel.MS_NODEV,
        f"lowerdir=.,upperdir={upper},workdir={work},userxattr",
    )
    return new


def _place(tree: int, path: str) -> None:
    """Put a detached mount at a path of the image, made where it is not there; never through a last link."""
    status = _status(path)
    if status is None:
        os.makedirs(path, 0o755)
    elif stat.S_ISLNK(status.st_mode):
        raise OSError(
            errno.ELOOP, "is a symbolic link in the image, and what the sandbox puts there needs a place", path
        )
    target = os.open(path, _PATH | os.O_NOFOLLOW)
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


def _devices(devices: Mapping[str, int], gid: int) -> None:
    _place(kernel.new_mount("tmpfs", kernel.ATTR_NOSUID | kernel.ATTR_NOEXEC, size="65536", mode="0755"), "/dev")
    for name, tree in devices.items():
        os.close(os.open(f"/dev/{name}", os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_WRONLY, 0o666))
        _place(tree, f"/dev/{name}")
    for name, target in LINKS.items():
        os.symlink(target, f"/dev/{name}")
    terminals = kernel.new_mount(
        "devpts", kernel.ATTR_NOSUID | kernel.ATTR_NOEXEC, newinstance="", ptmxmode="0666", mode="0620", gid=str(gid)
    )
    _place(terminals, "/dev/pts")
    _place(kernel.new_mount("tmpfs", _SAFE | kernel.ATTR_NOEXEC, size=str(_SHM), mode="1777"), "/dev/shm")  # noqa: S108
    _place(kernel.new_mount("mqueue", _SAFE | kernel.ATTR_NOEXEC), "/dev/mqueue")


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


def _place_directory(tree: int, path: str) -> str | None:
    """Put a directory of a whole root where it was, links in the way walked inside; why not, where it cannot be."""
    try:
        _place(tree, path if path.count("/") == 1 else os.path.realpath(path))
    except OSError as error:
        return f"{path} is not writable: {error.strerror}"
    return None


def _place_file(tree: int, path: str) -> str | None:
    """Put a file of an engine where the image has its own, a link walked inside the image; why not, where it cannot be."""
    real = os.path.realpath(path)
    try:
        if not os.path.isfile(real):
            _directory(os.path.dirname(real))
            os.close(os.open(real, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
        _place(tree, real)
    except OSError as error:
        return f"{path} is the image's, not an engine's: {error.strerror}"
    return None


def _directory(path: str) -> None:
    """Make a directory of the image; a link to one counts."""
    if not os.path.isdir(path):
        os.makedirs(path, 0o755)


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
            kept.append((real, kernel.new_mount("tmpfs", _SAFE, mode="1777", size=str(disk))))
            notes.append(
                f"{path} is an empty directory in memory: it belongs to a user that does not exist in the sandbox"
            )
    root = os.open("/", _PATH | os.O_DIRECTORY)
    try:
        kernel.set_mount(root, kernel.ATTR_RDONLY)
    finally:
        os.close(root)
    for real, tree in kept:
        _place(tree, real)
    return notes


_OURS = (
    "proc",
    "sys",
    "dev",
    "tmp",
    "run",
)  # of a whole root: made new, and /run is where this machine's services listen


def _assembled(root: int, stage: str) -> tuple[str, dict[str, int]]:
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
            kernel.set_mount(tree, kernel.ATTR_RDONLY | _SAFE, recursive=True)
            trees[f"/{name}"] = tree
    os.chdir("/")
    return new, trees


def _sources(root: str, scratch: Sequence[str]) -> dict[str, int | None]:
    """The directories that stay writable, opened while they can be named; ``None`` for one that is not there."""
    found: dict[str, int | None] = {}
    for path in scratch:
        try:
            found[path] = os.open(os.path.join(root, path.lstrip("/")), _PATH | os.O_DIRECTORY)
        except OSError:
            found[path] = None
    return found


def _scratch_copies(sources: Mapping[str, int | None], stage: str, disk: int) -> dict[str, int]:
    """Writable copies of directories of a whole root, in memory; an empty one where the kernel allows no copy."""
    trees = {}
    for number, (path, source) in enumerate(sources.items()):
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
            kernel.mount("tmpfs", f"{place}/new", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, _tmpfs(disk, "1777"))
        trees[path] = kernel.open_tree(f"{place}/new")
    os.chdir("/")
    return trees
