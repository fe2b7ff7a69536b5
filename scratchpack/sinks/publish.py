"""Outputs that are old or new and never half (S17): a temporary beside the output, fsync, rename, fsync of the directory.

A temporary is named ``.NAME.<random>.scratchpack-tmp`` and locked with ``flock`` while its run lives. An exception, SIGINT
included, removes it (S18; ``scratchpack.cli`` turns SIGTERM into one); what SIGKILL left has lost its lock with its process, and the
next run that writes beside it removes it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from typing import TYPE_CHECKING, Self

from scratchpack.errors import OutputError
from scratchpack.oci.spool import write_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

SUFFIX = ".scratchpack-tmp"
STDOUT = "-"
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)
_AT_FDCWD = -100


class StagedFile:
    """A file that takes the place of ``dest`` when :meth:`publish` is called; leaving the block without it leaves nothing.

    ``-``, FIFOs and character devices (/dev/null) are no files to be replaced: they are written as it comes, and are not
    ``seekable``. The descriptor stays readable until the block ends, after publishing too.
    """

    def __init__(self, dest: str) -> None:
        self.dest, self.position, self.seekable = dest, 0, False
        self._temporary: str | None = None
        self._close = True
        if dest == STDOUT:
            self.descriptor, self._close = _standard_output(), False
            return
        try:
            self._real = os.path.realpath(dest)
            if (kind := _kind(self._real)) is not None and not stat.S_ISREG(kind):
                self.descriptor = _open_straight(self._real, kind)
            else:
                reclaim(os.path.dirname(self._real))
                self.descriptor, self._temporary = _create(self._real)
                self.seekable = True
        except OSError as error:
            raise cannot_write(dest, error) from error

    def write(self, data: bytes | memoryview) -> None:
        """Append.

        Raises:
            OutputError: no space left, an I/O error, a closed pipe (S19).
        """
        try:
            write_all(self.descriptor, data)
        except OSError as error:
            raise cannot_write(self.dest, error) from error
        self.position += len(data)

    def patch(self, data: bytes, offset: int) -> None:
        """Rewrite bytes that were written before."""
        try:
            os.pwrite(self.descriptor, data, offset)
        except OSError as error:
            raise cannot_write(self.dest, error) from error

    def rewind(self, offset: int) -> None:
        """Forget everything from ``offset`` on."""
        try:
            os.ftruncate(self.descriptor, offset)
            os.lseek(self.descriptor, offset, os.SEEK_SET)
        except OSError as error:
            raise cannot_write(self.dest, error) from error
        self.position = offset

    def publish(self) -> None:
        """Give it its name.

        Raises:
            OutputError: it could not be written out; what stood there still does (S17, S19).
        """
        if self._temporary is None:
            return
        try:
            os.fsync(self.descriptor)
            os.replace(self._temporary, self._real)
            self._temporary = None
            sync_directory(os.path.dirname(self._real))
        except OSError as error:
            raise cannot_write(self.dest, error) from error

    def close(self) -> None:
        """Remove it unless it was published."""
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)
            self._temporary = None
        if self._close:
            self._close = False
            os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


@contextlib.contextmanager
def replacing_directory(dest: str, *, force: bool = False) -> Iterator[str]:
    """An empty directory that becomes ``dest`` when the block ends well.

    Raises:
        OutputError: ``dest`` is no directory, or holds something and ``force`` does not stand (S17).
    """
    real = os.path.realpath(dest)
    try:
        check_free(dest, force=force)
        reclaim(os.path.dirname(real))
        lock, temporary = _create(real, directory=True)
    except OSError as error:
        raise cannot_write(dest, error) from error
    try:
        yield temporary
        try:
            os.fsync(lock)
            _take_place(temporary, real, force=force)
            sync_directory(os.path.dirname(real))
        except OSError as error:
            raise cannot_write(dest, error) from error
    finally:
        # after an exchange it is the old tree that stands here
        _remove_tree(temporary)
        os.close(lock)


def check_free(dest: str, *, force: bool) -> None:
    """Refuse a place that holds something else (S17).

    Raises:
        OutputError: as :func:`replacing_directory`.
    """
    try:
        with os.scandir(dest) as entries:
            occupied = next(entries, None) is not None
    except FileNotFoundError:
        return
    except NotADirectoryError as error:
        raise OutputError(
            f"cannot write {dest}: it is a file", hint="name a directory that does not exist yet"
        ) from error
    except OSError as error:
        raise cannot_write(dest, error) from error
    if occupied and not force:
        raise OutputError(f"cannot write {dest}: the directory is not empty", hint="--force replaces it as a whole")


def reclaim(directory: str) -> None:
    """Remove what killed runs left here: our temporaries that nobody has locked (S18)."""
    with contextlib.suppress(OSError), os.scandir(directory or ".") as entries:
        for entry in entries:
            if entry.name.startswith(".") and entry.name.endswith(SUFFIX):
                with contextlib.suppress(OSError):
                    _reclaim_one(entry.path)


def sync_directory(directory: str) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory or ".", os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a filesystem that has no such thing
            raise
    finally:
        os.close(descriptor)


def lock(descriptor: int, *, wait: bool) -> bool:
    """Take the exclusive lock of an open file or directory; whether it was got. Where no locks are, always."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        return error.errno not in {errno.EWOULDBLOCK, errno.EAGAIN}
    return True


def cannot_write(dest: str, error: OSError) -> OutputError:
    """The message for people, saying what to do where that is known (S19)."""
    hints = {
        errno.ENOSPC: "make room, or write elsewhere with dest=PATH",
        errno.EDQUOT: "make room in your quota, or write elsewhere with dest=PATH",
        errno.EACCES: "choose a directory that you may write to with dest=PATH",
        errno.EROFS: "choose a directory that you may write to with dest=PATH",
        errno.ENOENT: "make the directory first",
    }
    name = "standard output" if dest == STDOUT else dest
    return OutputError(f"cannot write {name}: {error.strerror or error}", hint=hints.get(error.errno or 0))


def _standard_output() -> int:
    try:
        sys.stdout.flush()
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError, AttributeError) as error:
        raise OutputError("cannot write to standard output: it is not a file or a pipe") from error
    if os.isatty(descriptor):
        raise OutputError(
            "cannot write an archive to a terminal", hint="pipe it on: … -o type=docker,dest=- | docker load"
        )
    return descriptor


def _kind(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _open_straight(real: str, kind: int) -> int:
    if stat.S_ISDIR(kind):
        raise OutputError(f"cannot write {real}: it is a directory", hint="name a file in it")
    if not (stat.S_ISFIFO(kind) or stat.S_ISCHR(kind)):
        raise OutputError(f"cannot write {real}: it is neither a file, a pipe nor a character device")
    return os.open(real, os.O_WRONLY)


def _create(real: str, *, directory: bool = False) -> tuple[int, str]:
    """A new locked temporary beside ``real``: its descriptor and its path.

    Between creation and lock another run may take it for a leftover; then the next name is tried.
    """
    home, name = os.path.split(real)
    while True:
        # 180 bytes leave room for the random part within NAME_MAX
        short = os.fsdecode(os.fsencode(name)[:180])
        path = os.path.join(home, f".{short}.{os.urandom(6).hex()}{SUFFIX}")
        if directory:
            os.mkdir(path, 0o777)
            descriptor = os.open(path, os.O_RDONLY)
        else:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
        if lock(descriptor, wait=False) and os.fstat(descriptor).st_nlink and _same(descriptor, path):
            return descriptor, path
        os.close(descriptor)


def _same(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def _reclaim_one(path: str) -> None:
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    if kind not in {stat.S_IFREG, stat.S_IFDIR} or (hasattr(os, "geteuid") and status.st_uid != os.geteuid()):
        return
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        if lock(descriptor, wait=False) and _same(descriptor, path):
            if kind == stat.S_IFDIR:
                _remove_tree(path)
            else:
                os.unlink(path)
    finally:
        os.close(descriptor)


def _take_place(temporary: str, real: str, *, force: bool) -> None:
    try:
        os.rename(temporary, real)  # onto nothing or an empty directory
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise
        if not force:
            raise OutputError(
                f"cannot write {real}: the directory is not empty any more", hint="--force replaces it as a whole"
            ) from error
        if not _exchange(temporary, real):
            aside = temporary.removesuffix(SUFFIX) + ".old" + SUFFIX
            os.rename(real, aside)
            try:
                os.rename(temporary, real)
            except OSError:
                os.rename(aside, real)
                raise
            os.rename(aside, temporary)


def _exchange(one: str, other: str) -> bool:
    """Swap two names in one step; false where the system cannot."""
    import ctypes

    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    done: int = call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE)
    if done == 0:
        return True
    number = ctypes.get_errno()
    if number in {errno.ENOSYS, errno.EINVAL}:
        return False
    raise OSError(number, os.strerror(number), other)


def _remove_tree(path: str) -> None:
    if os.path.lexists(path):
        import shutil

        shutil.rmtree(path, ignore_errors=True)
