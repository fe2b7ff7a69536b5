"""An image at rest, as names and bytes: an archive's members or a layout's files. Nothing is extracted, no link leads out (S22, S25)."""

from __future__ import annotations

import os
import posixpath
import stat
import tarfile
import tempfile
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast

from scratchpack.errors import InputError
from scratchpack.oci.spool import region
from scratchpack.oci.unpack import MAX_UNPACKED, compression_of, pieces

if TYPE_CHECKING:
    from types import TracebackType

MAX_MEMBERS = 100_000
MAX_DOCUMENT = 4 * 1024 * 1024  # S22


class Store:
    """Files by relative name. ``compressed`` names the compression of a whole archive (I13), ``repeated`` its duplicate members."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.compressed: str | None = None
        self.repeated: tuple[str, ...] = ()

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


def open_store(path: str) -> Store:
    """Open an archive or a layout directory.

    Raises:
        InputError: there is nothing, or it is neither.
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
            return _Archive(path, stream)
    finally:
        os.close(descriptor)


def open_archive(name: str, file: BinaryIO) -> Store:
    """An archive in a real file that is open already; ``name`` is what messages call it. The file may be closed afterwards.

    Raises:
        InputError: it is no archive.
    """
    return _Archive(name, file)


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

    def __init__(self, name: str, stream: BinaryIO) -> None:
        super().__init__(name)
        self.compressed = compression_of(stream)
        file = tempfile.TemporaryFile() if self.compressed else os.fdopen(os.dup(stream.fileno()), "rb")  # noqa: SIM115
        self._file = cast("BinaryIO", file)
        try:
            if self.compressed:
                for piece in pieces(stream, limit=MAX_UNPACKED, what=name):
                    self._file.write(piece)
                self._file.flush()
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
        return region(self._file.fileno(), *found)

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
        members: dict[str, tuple[int, int]] = {}
        links: dict[str, str] = {}
        repeated: list[str] = []
        self._file.seek(0)
        try:
            small = cast("BinaryIO", _Small(self._file))
            with tarfile.open(fileobj=small, mode="r:", errors="surrogateescape") as tar:
                for count, member in enumerate(tar):
                    if count > MAX_MEMBERS:
                        raise InputError(f"cannot read the image {self.name}: over {MAX_MEMBERS} files")
                    name = posixpath.normpath(member.name)
                    if name in members or name in links:
                        repeated.append(name)
                    if member.isreg() and not member.issparse():
                        members[name] = (member.offset_data, member.size)
                    elif member.issym():
                        links[name] = member.linkname
                    cast("Any", tar).members = []  # tarfile would keep every header
        except (tarfile.TarError, OverflowError, ValueError) as error:
            raise InputError(f"cannot read the image {self.name}: not a tar archive ({error})") from error
        self.repeated = tuple(repeated)
        return members, links


class _Small:
    """What tarfile reads headers from: it asks for a whole extended header at once, so asking for much is refused (S25)."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_DOCUMENT:
            raise tarfile.ReadError("a header of over 4 MiB")
        return self._file.read(size)
