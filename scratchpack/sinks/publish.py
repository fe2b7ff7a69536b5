"""Outputs that are old or new and never half (S17): bytes go into a temporary beside the output; fsync, rename, and fsync of the directory give it its name."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import sys
from typing import TYPE_CHECKING, Self

from scratchpack.errors import OutputError
from scratchpack.oci.spool import write_all
from scratchpack.pattern import pattern
from scratchpack.sinks import temporary

if TYPE_CHECKING:
    from types import TracebackType

STDOUT = "-"
_STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR = pattern(r"/(?:dev|proc/self)/fd/([0-9]{1,6})")
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)
_AT_FDCWD = -100


class StagedFile:
    """A file that takes the place of ``dest`` when :meth:`publish` is called; leaving the block without it leaves nothing.

    ``-``, FIFOs, character devices (/dev/null) and descriptors of this process (/dev/stdout, /dev/fd/3) are no files to be
    replaced: they are written as it comes, and are not ``seekable``. ``file`` stays readable until the block ends, after publishing too.
    """

    def __init__(self, dest: str) -> None:
        self.dest, self.position, self.seekable = dest, 0, False
        self._temporary: str | None = None
        if dest == STDOUT:
            self.file = io.FileIO(_standard_output(), "w", closefd=False)
            return
        try:
            if (descriptor := _own_descriptor(dest)) is not None:
                self.file = io.FileIO(descriptor, "w", closefd=False)
                return
            self._real = os.path.realpath(dest)
            if (kind := _kind(self._real)) is not None and not stat.S_ISREG(kind):
                self.file = io.FileIO(_open_straight(self._real, kind), "w")
            else:
                temporary.reclaim(os.path.dirname(self._real))
                descriptor, self._temporary = temporary.create(self._real)
                self.file, self.seekable = io.FileIO(descriptor, "r+"), True
        except OSError as error:
            raise cannot_write(dest, error) from error

    def write(self, data: bytes | memoryview) -> None:
        """Append.

        Raises:
            OutputError: no space left, an I/O error, a closed pipe (S19).
        """
        try:
            write_all(self.file.fileno(), data)
        except OSError as error:
            raise cannot_write(self.dest, error) from error
        self.position += len(data)

    def patch(self, data: bytes, offset: int) -> None:
        """Rewrite bytes that were written before."""
        try:
            os.pwrite(self.file.fileno(), data, offset)
        except OSError as error:
            raise cannot_write(self.dest, error) from error

    def rewind(self, offset: int) -> None:
        """Forget everything from ``offset`` on."""
        try:
            os.ftruncate(self.file.fileno(), offset)
            os.lseek(self.file.fileno(), offset, os.SEEK_SET)
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
            os.fsync(self.file.fileno())
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
        self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class StagedDirectory:
    """A directory, filled at :attr:`path`, that becomes ``dest`` with :meth:`publish`; leaving the block without it leaves nothing.

    Raises:
        OutputError: nothing can be made beside ``dest``.
    """

    def __init__(self, dest: str) -> None:
        self.dest = dest
        self._real = os.path.realpath(dest)
        try:
            temporary.reclaim(os.path.dirname(self._real))
            self._lock, self.path = temporary.create(self._real, directory=True)
        except OSError as error:
            raise cannot_write(dest, error) from error

    def publish(self, *, force: bool = False) -> bool:
        """Give it its name; false where something stands there that may not be replaced (S17).

        With ``force`` the old and the new are exchanged, and the old is removed.

        Raises:
            OutputError: it could not be written out; what stood there still does (S19).
        """
        try:
            os.fsync(self._lock)
            if not self._rename():
                if not force:
                    return False
                self._replace()
            sync_directory(os.path.dirname(self._real))
        except OSError as error:
            raise cannot_write(self.dest, error) from error
        return True

    def close(self) -> None:
        """Remove it unless it was published; after an exchange it is the old tree that stands here."""
        if self._lock >= 0:
            try:
                temporary.remove_tree(self.path)
            finally:
                os.close(self._lock)
                self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _rename(self) -> bool:
        try:
            os.rename(self.path, self._real)  # onto nothing, or onto an empty directory
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
            return False
        return True

    def _replace(self) -> None:
        if _exchange(self.path, self._real):
            return
        aside = self.path.removesuffix(temporary.SUFFIX) + ".old" + temporary.SUFFIX
        os.rename(self._real, aside)
        try:
            os.rename(self.path, self._real)
        except OSError:
            os.rename(aside, self._real)
            raise
        os.rename(aside, self.path)


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


def cannot_write(dest: str, error: OSError) -> OutputError:
    """The message for people, saying what to do where that is known (S19)."""
    hints = {
        errno.ENOSPC: "make room, or write elsewhere with dest=PATH",
        errno.EDQUOT: "make room in your quota, or write elsewhere with dest=PATH",
        errno.EFBIG: "raise the limit on the size of a file (`ulimit -f`), or write elsewhere with dest=PATH",
        errno.EIO: "the disk or its connection fails: see what `dmesg` says, and write elsewhere with dest=PATH",
        errno.EACCES: "choose a directory that you may write to with dest=PATH",
        errno.EROFS: "choose a directory that you may write to with dest=PATH",
        errno.ENOENT: "make the directory first",
        errno.EBADF: "open it for writing, as the shell does with 3>FILE",
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


def _own_descriptor(dest: str) -> int | None:
    """Which open descriptor of this process a name such as /dev/stdout or /dev/fd/3 means.

    What lies behind it is never replaced: it is another program's pipe, or a file that others write to as well.

    Raises:
        OSError: nothing is open there.
    """
    path = os.path.normpath(dest)
    found = _DESCRIPTOR.fullmatch(path)
    number = _STANDARD.get(path, int(found[1]) if found else None)
    if number is not None:
        if number == 1:
            sys.stdout.flush()
        os.fstat(number)
    return number


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
