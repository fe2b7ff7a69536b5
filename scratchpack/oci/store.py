"""An image at rest, as names and bytes: an archive's members or a layout's files. Nothing is extracted, no link leads out (S22, S25)."""

from __future__ import annotations

import os
import posixpath
import stat
import tempfile
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from scratchpack.errors import InputError, OutputError
from scratchpack.oci.budget import UnpackBudget
from scratchpack.oci.spool import region
from scratchpack.oci.tarstream import BadTarError, members
from scratchpack.oci.unpack import compression_of, pieces

if TYPE_CHECKING:
    from types import TracebackType

MAX_MEMBERS = 32_768
_MOST_REPEATED = 20
MAX_DOCUMENT = 4 * 1024 * 1024  # S22


class Store:
    """Files by relative name. ``compressed`` names the compression of a whole archive (I13), ``repeated`` its duplicate members."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.compressed: str | None = None
        self.repeated: tuple[str, ...] = ()
        self.directories: frozenset[str] | None = None  # that an archive has members for; None of what is no archive

    def size(self, path: str) -> int | None:
        """Bytes of a file, or ``None`` where there is none of that name."""
        raise NotImplementedError

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading.

        Raises:
            InputError: there is none.
        """
        raise NotImplementedError

    def document(self, path: str) -> bytes:
        """A small file whole.

        Raises:
            InputError: there is none, or it is over 4 MiB (S22).
        """
        with self.open(path) as stream:
            data = stream.read(MAX_DOCUMENT + 1)
        if len(data) > MAX_DOCUMENT:
            raise InputError(f"cannot read {path} in {self.name}: a document of over {MAX_DOCUMENT} bytes")
        return data

    def missing(self, path: str) -> InputError:
        """What to raise where a file is not there."""
        return InputError(f"cannot read {path} in {self.name}: there is no such file")

    def close(self) -> None:
        """Close what is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def open_store(path: str, *, unpacked: int | None = None) -> Store:
    """Open an archive or a layout directory.

    Args:
        path: of the file or directory.
        unpacked: bytes that an archive which is compressed as a whole may unpack to; ``None`` for what :class:`Budget` allows.

    Raises:
        InputError: there is nothing, or it is neither.
        OutputError: a compressed archive finds no room in the temporary directory.
    """
    try:
        # S6: never wait for a FIFO
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise InputError(f"cannot read the image {path}: {error.strerror}") from error
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            return _Directory(path)
        if not stat.S_ISREG(mode):
            raise InputError(f"cannot read the image {path}: neither a file nor a directory")
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            return _Archive(path, stream, unpacked)
    finally:
        os.close(descriptor)


def open_archive(name: str, file: BinaryIO) -> Store:
    """An archive in a real file that is open already; ``name`` is what messages call it. The file may be closed afterwards.

    Raises:
        InputError: it is no archive.
    """
    return _Archive(name, file, None)


class _Directory(Store):
    def size(self, path: str) -> int | None:
        try:
            with self.open(path) as stream:
                return os.fstat(stream.fileno()).st_size
        except InputError:
            return None

    def open(self, path: str) -> BinaryIO:
        if path.startswith("/") or ".." in path.split("/"):
            raise self.missing(path)
        # blobs and blobs/sha256 may not be links either, so each step is opened by itself
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        at = -1
        try:
            at = os.open(self.name, os.O_RDONLY)
            for part in path.split("/"):
                below = os.open(part, flags, dir_fd=at)
                os.close(at)
                at = below
            if not stat.S_ISREG(os.fstat(at).st_mode):
                raise self.missing(path)
            found, at = os.fdopen(at, "rb"), -1
        except OSError as error:
            raise self.missing(path) from error
        finally:
            if at >= 0:
                os.close(at)
        return found


class _Archive(Store):
    """A tar; one that is compressed as a whole is unpacked into an unnamed temporary file first, as far as the limit goes."""

    def __init__(self, name: str, stream: BinaryIO, unpacked: int | None) -> None:
        super().__init__(name)
        self.compressed = compression_of(stream)
        if self.compressed:
            self._file = _unpacked(name, stream, unpacked)
        else:
            self._file = os.fdopen(os.dup(stream.fileno()), "rb")
        try:
            self._members, self._links = self._index()
        except BaseException:
            self.close()
            raise

    def size(self, path: str) -> int | None:
        found = self._find(path)
        return found and found[1]

    def open(self, path: str) -> BinaryIO:
        found = self._find(path)
        if found is None:
            raise self.missing(path)
        return region(self._file, *found, self.name)

    def close(self) -> None:
        self._file.close()

    def _find(self, path: str) -> tuple[int, int] | None:
        for _ in range(8):  # `docker save` links equal layers to each other
            if path in self._members:
                return self._members[path]
            if path not in self._links:
                return None
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), self._links[path]))
        return None

    def _index(self) -> tuple[dict[str, tuple[int, int]], dict[str, str]]:
        files: dict[str, tuple[int, int]] = {}
        links: dict[str, str] = {}
        repeated: list[str] = []
        directories: set[str] = set()
        self._file.seek(0)
        try:
            for count, member in enumerate(members(self._file)):
                if count > MAX_MEMBERS:
                    raise InputError(f"cannot read the image {self.name}: over {MAX_MEMBERS} files")
                name = posixpath.normpath(member.name)
                if (name in files or name in links) and len(repeated) < _MOST_REPEATED:
                    repeated.append(name)
                if member.isreg() and not member.issparse():
                    files[name] = (member.offset_data, member.size)
                elif member.issym():
                    links[name] = member.linkname
                elif member.isdir():
                    directories.add(name)
        except BadTarError as error:
            raise InputError(f"cannot read the image {self.name}: not a tar archive ({error})") from error
        self.repeated = tuple(repeated)
        self.directories = frozenset(directories)
        return files, links


def _unpacked(name: str, stream: BinaryIO, limit: int | None) -> BinaryIO:
    """The archive in an unnamed temporary file; zeroes, to which a small file can unpack by the gigabyte, become holes."""
    budget = UnpackBudget(name, limit)
    budget.stored(os.fstat(stream.fileno()).st_size)
    try:
        out = cast("BinaryIO", tempfile.TemporaryFile(prefix="scratchpack-"))  # noqa: SIM115 - the store closes it
        try:
            size = 0
            for piece in budget.unpacking(pieces(stream, what=name)):
                size += len(piece)
                if piece == bytes(len(piece)):
                    out.seek(size)
                else:
                    out.write(piece)
            out.truncate(size)
            out.flush()
        except BaseException:
            out.close()
            raise
    except OSError as error:
        raise OutputError(
            f"cannot unpack {name} in the temporary directory: {error.strerror}",
            hint="set TMPDIR to a directory with more space",
        ) from error
    return out
