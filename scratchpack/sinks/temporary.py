"""Temporaries: a path goes in, a locked file or directory beside it comes out; what a killed run leaves is removed by the next one (S18).

Each is named ``.NAME.<random>.scratchpack-tmp`` and stays locked (``flock``) while its run lives. An exception removes it, SIGINT
included (``scratchpack.cli`` turns SIGTERM into one); what SIGKILL left has lost its lock with its process.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

SUFFIX = ".scratchpack-tmp"
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def create(real: str, *, directory: bool = False) -> tuple[int, str]:
    """A new locked temporary beside ``real``: its descriptor and its path.

    Between creation and lock another run may take it for a leftover; then the next name is tried.

    Raises:
        OSError: nothing can be made there.
    """
    home, name = os.path.split(real)
    while True:
        # 180 bytes leave room for the random part within NAME_MAX
        short = os.fsdecode(os.fsencode(name)[:180])
        path = os.path.join(home, f".{short}.{os.urandom(6).hex()}{SUFFIX}")
        if directory:
            os.mkdir(path, 0o777)
            try:
                descriptor = os.open(path, os.O_RDONLY)
            except FileNotFoundError:
                continue
        else:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
        if lock(descriptor, wait=False) and is_still(descriptor, path):
            return descriptor, path
        os.close(descriptor)


def reclaim(directory: str) -> None:
    """Remove what killed runs left here: our own temporaries that nobody has locked."""
    with contextlib.suppress(OSError), os.scandir(directory or ".") as entries:
        for entry in entries:
            if entry.name.startswith(".") and entry.name.endswith(SUFFIX):
                with contextlib.suppress(OSError):
                    _reclaim_one(entry.path)


def lock(descriptor: int, *, wait: bool) -> bool:
    """Take the exclusive lock of an open file or directory; whether it was got. Where there are no locks, always."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        return error.errno not in {errno.EWOULDBLOCK, errno.EAGAIN}
    return True


def is_still(descriptor: int, path: str) -> bool:
    """Whether the path still names what the descriptor has open."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def remove_tree(path: str) -> None:
    """Remove a directory and everything in it, as far as it goes.

    A signal that comes meanwhile is kept until nothing is left (S18). Of any depth: directories below are moved up first, so
    that neither a path nor the stack grows; of any mode: each is made writable.
    """
    interrupted: BaseException | None = None
    while True:
        try:
            _remove(path)
            break
        except OSError:
            break
        except BaseException as signal:  # noqa: BLE001 - raised again below
            interrupted = interrupted or signal
    if interrupted is not None:
        raise interrupted


def _remove(path: str) -> None:
    os.chmod(path, 0o700)
    top = os.open(path, _DIRECTORY)
    try:
        number = 0
        pending = ["."]
        while pending:
            name = pending.pop()
            with contextlib.suppress(OSError):
                for entry, is_directory in _entries(top, name):
                    with contextlib.suppress(OSError):
                        if not is_directory:
                            os.unlink(f"{name}/{entry}", dir_fd=top)
                            continue
                        os.chmod(f"{name}/{entry}", 0o700, dir_fd=top)
                        moved = entry
                        if name != ".":
                            number += 1
                            moved = f".{number}.{os.urandom(6).hex()}"
                            os.rename(f"{name}/{entry}", moved, src_dir_fd=top, dst_dir_fd=top)
                        pending.append(moved)
                if name != ".":
                    os.rmdir(name, dir_fd=top)
        os.rmdir(path)
    finally:
        os.close(top)


def _entries(top: int, name: str) -> list[tuple[str, bool]]:
    descriptor = os.open(name, _DIRECTORY, dir_fd=top)
    try:
        with os.scandir(descriptor) as entries:
            return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    finally:
        os.close(descriptor)


def _reclaim_one(path: str) -> None:
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    if kind not in {stat.S_IFREG, stat.S_IFDIR} or (hasattr(os, "geteuid") and status.st_uid != os.geteuid()):
        return
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        if lock(descriptor, wait=False) and is_still(descriptor, path):
            if kind == stat.S_IFDIR:
                remove_tree(path)
            else:
                os.unlink(path)
    finally:
        os.close(descriptor)
