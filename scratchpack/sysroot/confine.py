"""Opening a file inside a root directory and never outside it, also while others rename and swap links (S9).

Two ways with one result: Linux's openat2 through ctypes, and a walk over directory descriptors that follows no link in
the kernel. The second needs nothing that is Linux's own.
"""

from __future__ import annotations

import errno
import os
import stat

from scratchpack.sysroot.walk import walk

DIRECTORY = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | getattr(os, "O_NOCTTY", 0)

_SYS_OPENAT2 = 437  # of all machines but Alpha and MIPS, where it means nothing, and the walk serves
_RESOLVE_NO_MAGICLINKS, _RESOLVE_IN_ROOT = 0x02, 0x10


def open_in_root(root: int, path: str, flags: int = READ) -> int:
    """Open ``path`` as a chroot into the directory descriptor ``root`` would; the caller closes the descriptor.

    Raises:
        OSError: as open(2).
    """
    if _Openat2.works():
        return open_by_openat2(root, path, flags)
    return open_by_walk(root, path, flags)


def open_by_openat2(root: int, path: str, flags: int = READ) -> int:
    """The kernel confines the whole resolution."""
    descriptor = _Openat2.call(root, path, flags)
    for _ in range(64):  # EAGAIN: something was renamed during the resolution, and the kernel could not be sure
        if descriptor >= 0 or -descriptor != errno.EAGAIN:
            break
        descriptor = _Openat2.call(root, path, flags)
    if descriptor < 0:
        raise OSError(-descriptor, os.strerror(-descriptor), path)
    return descriptor


def open_by_walk(root: int, path: str, flags: int = READ) -> int:
    """Every link is read and walked here; the kernel only ever opens one name in one directory, without following."""

    def entry(directory: str, name: str) -> str | bool | None:
        descriptor = descend(root, directory)
        try:
            return entry_at(descriptor, name)
        finally:
            os.close(descriptor)

    place = walk(path, entry, follow=not flags & os.O_NOFOLLOW)
    if place is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    if place.canonical == "/":
        return os.open(".", flags & ~os.O_NOFOLLOW, dir_fd=root)
    parent, _, name = place.canonical.rpartition("/")
    descriptor = descend(root, parent)
    try:
        return os.open(name, flags | os.O_NOFOLLOW, dir_fd=descriptor)
    finally:
        os.close(descriptor)


def entry_at(directory: int, name: str) -> str | bool | None:
    """What a name in a directory descriptor is, in the terms of :func:`scratchpack.sysroot.walk.walk`."""
    try:
        mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            return os.readlink(name, dir_fd=directory)
    except OSError as error:
        if is_absence(error):
            return None
        raise
    return stat.S_ISDIR(mode)


def is_absence(error: OSError) -> bool:
    """Is this an errno that a search treats as "not there" (R11)?"""
    return error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ENAMETOOLONG, errno.EINVAL)


def descend(root: int, canonical: str) -> int:
    """A descriptor of the directory at a path without links; a link on the way is an error, not followed."""
    at = os.dup(root)
    for name in canonical.split("/"):
        if name:
            try:
                below = os.open(name, DIRECTORY, dir_fd=at)
            finally:
                os.close(at)
            at = below
    return at


class _Openat2:
    """The system call, looked up once; ctypes is imported only when a root directory is really used."""

    _function = None
    _works: bool | None = None

    @classmethod
    def works(cls) -> bool:
        if cls._works is None:
            try:
                descriptor = cls.call(_AT_FDCWD, "/", DIRECTORY)
            except (ImportError, OSError, AttributeError):
                descriptor = -errno.ENOSYS
            if descriptor >= 0:
                os.close(descriptor)
            cls._works = descriptor >= 0
        return cls._works

    @classmethod
    def call(cls, root: int, path: str, flags: int) -> int:
        """A descriptor, or a negative errno."""
        import ctypes

        if cls._function is None:
            if os.uname().sysname != "Linux":
                raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
            cls._function = ctypes.CDLL(None, use_errno=True).syscall
        how = (ctypes.c_uint64 * 3)(flags, 0, _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS)
        descriptor = cls._function(
            ctypes.c_long(_SYS_OPENAT2),
            ctypes.c_int(root),
            ctypes.c_char_p(os.fsencode(path)),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        return int(descriptor) if descriptor >= 0 else -ctypes.get_errno()


_AT_FDCWD = -100
