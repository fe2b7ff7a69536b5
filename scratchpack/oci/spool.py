"""Where a layer's bytes go while they are made, and how they are read again any number of times."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self, cast

from scratchpack.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class Slot(Protocol):
    """Room for one blob whose digest and size are known only at its end."""

    def write(self, data: bytes | memoryview) -> None:
        """Append to the blob."""

    def finish(self, digest: str, size: int) -> Callable[[], BinaryIO]:
        """Close the blob and give the opener of its bytes, good until the spool is closed."""


class Spool(Protocol):
    """Takes blobs one after the other: a temporary file, or the output archive itself (the layer is written once)."""

    def slot(self) -> Slot:
        """Begin a blob. The one before must have been finished."""


class Region(io.RawIOBase):
    """A stretch of an open file as a stream of its own; the file's position is neither used nor moved.

    It keeps the file object and no descriptor number: the number of a closed file soon belongs to another one.
    """

    def __init__(self, file: BinaryIO | io.FileIO, start: int, size: int, what: str) -> None:
        super().__init__()
        self._file, self._start, self._size, self._what, self._at = file, start, size, what, 0
        self._check()

    def _check(self) -> None:
        if self._file.closed:
            raise InputError(
                f"cannot read from {self._what}: it is closed",
                hint="what pack() returns describes the image; to read its bytes, open the output that was written",
            )

    def readable(self) -> bool:
        """A stretch is there to be read."""
        return True

    def seekable(self) -> bool:
        """Any place of it can be read."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move within the stretch."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("negative position")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def readinto(self, buffer: object) -> int:
        """Fill the buffer as far as the stretch goes."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        wanted = max(0, min(len(view), self._size - self._at))
        self._check()
        got = os.preadv(self._file.fileno(), [view[:wanted]], self._start + self._at) if wanted else 0
        self._at += got
        return got


def region(file: BinaryIO | io.FileIO, start: int, size: int, what: str) -> BinaryIO:
    """Open a stretch of an open file for reading, buffered; ``what`` is what messages call the file.

    Raises:
        InputError: the file is closed, now or when the stretch is read.
    """
    return cast("BinaryIO", io.BufferedReader(Region(file, start, size, what)))


class TemporarySpool:
    """Blobs in an unnamed temporary file, for outputs that are no archive (a registry, an engine, a pipe)."""

    def __init__(self, directory: str | None = None) -> None:
        import tempfile

        try:
            self._file = tempfile.TemporaryFile(prefix="scratchpack-", dir=directory, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise OutputError(
                f"cannot make a temporary file: {error.strerror}", hint="set TMPDIR to a directory with room"
            ) from error
        self._end = 0

    def slot(self) -> Slot:
        """Begin a blob at the end of the file."""
        return _TemporarySlot(self)

    def close(self) -> None:
        """Forget the blobs; their openers raise from now on."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _TemporarySlot:
    def __init__(self, spool: TemporarySpool) -> None:
        self._spool, self._start = spool, spool._end  # noqa: SLF001 - one module, one idea

    def write(self, data: bytes | memoryview) -> None:
        try:
            write_all(self._spool._file.fileno(), data)  # noqa: SLF001
        except OSError as error:
            raise OutputError(
                f"cannot write the layer to a temporary file: {error.strerror}",
                hint="set TMPDIR to a directory with room",
            ) from error
        self._spool._end += len(data)  # noqa: SLF001

    def finish(self, digest: str, size: int) -> Callable[[], BinaryIO]:
        del digest
        file, start = self._spool._file, self._start  # noqa: SLF001
        return lambda: region(file, start, size, "the temporary file of this run")


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """``os.write`` until nothing is left.

    Raises:
        OSError: as ``os.write`` (S19: the callers say which output it was).
    """
    written = os.write(descriptor, data)
    if written < len(data):
        view = memoryview(data)
        while written < len(view):
            written += os.write(descriptor, view[written:])
