"""One image layer read as an index: names, kinds and where the bytes stand. Nothing is extracted (S25)."""

from __future__ import annotations

import gzip
import io
import os
import posixpath
import tarfile
import tempfile
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from scratchpack.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_ENTRIES = 2_000_000  # of one layer
MAX_METADATA = 1 << 20  # bytes of one extended header
MAX_UNPACKED = 16 << 30  # bytes of one layer, decompressed
_PIECE = 1 << 20
_XATTR = "SCHILY.xattr."
_KINDS = {
    tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.CONTTYPE: "file", tarfile.GNUTYPE_SPARSE: "file",
    tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hard link",
    tarfile.CHRTYPE: "device", tarfile.BLKTYPE: "device", tarfile.FIFOTYPE: "fifo",
}  # fmt: skip


class Span(NamedTuple):
    """``size`` bytes of a file from ``start`` on stand at ``offset`` of the layer; between spans are zeroes."""

    start: int
    size: int
    offset: int


class Record(NamedTuple):
    """One entry of a layer. ``target`` is a symbolic link's, as stored, or the path of a hard link's other name."""

    path: str  # absolute, normalised: no name leads out of the root
    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int  # nanoseconds
    target: str
    spans: tuple[Span, ...]
    xattrs: tuple[tuple[str, bytes], ...]


class Layer:
    """The bytes of one layer, uncompressed: the blob itself, or an anonymous temporary file.

    Args:
        blob: a tar archive, plain or compressed with gzip or zstd; closed with the layer.
        origin: what messages call it.
        limit: bytes that it may have uncompressed.

    Raises:
        InputError: another compression, damaged data, or too much of it.
    """

    def __init__(self, blob: BinaryIO, origin: str, *, limit: int = MAX_UNPACKED) -> None:
        self.origin = origin
        self._stream = blob
        head = blob.read(6)
        blob.seek(0)
        if head[:2] == b"\x1f\x8b":
            self._unpack(gzip.GzipFile(fileobj=blob), limit)
        elif head[:4] == b"\x28\xb5\x2f\xfd":
            import zstandard

            try:
                self._unpack(zstandard.ZstdDecompressor().stream_reader(blob, read_across_frames=True), limit)
            except zstandard.ZstdError as error:
                raise self.fail(str(error)) from error
        elif head[:3] == b"BZh" or head == b"\xfd7zXZ\0":
            raise self.fail("its compression is not gzip or zstd, the two that image layers have")
        self.size = self._stream.seek(0, 2)

    def fail(self, why: str) -> InputError:
        """The error to raise for this layer."""
        return InputError(f"cannot read {self.origin}: {why}", hint="pull or build the image again")

    def close(self) -> None:
        """Close the blob, and the temporary file where there is one."""
        self._stream.close()

    def read(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes; more than a piece at once is asked for only by damaged or hostile headers."""
        self._stream.seek(offset)
        return self._stream.read(size)

    def open(self, spans: tuple[Span, ...], size: int) -> BinaryIO:
        """One file's content, seekable; it ends with the layer."""
        return io.BufferedReader(_Content(self, spans, size))

    def records(self) -> Iterator[Record]:
        """All entries in the archive's order.

        Raises:
            InputError: damaged, cut short, or beyond a limit.
        """
        try:
            with tarfile.open(
                fileobj=_Headers(self), mode="r:", encoding="utf-8", errors="surrogateescape"
            ) as archive:  # fmt: skip
                for count, info in enumerate(archive):
                    archive.members = []  # type: ignore[attr-defined]  # our caller keeps the index
                    if count >= MAX_ENTRIES:
                        raise self.fail(f"more than {MAX_ENTRIES} entries")
                    yield self._record(info)
        except (tarfile.TarError, ValueError, OverflowError, EOFError) as error:
            raise self.fail(str(error) or "damaged tar archive") from error

    def _record(self, info: tarfile.TarInfo) -> Record:
        kind = _KINDS.get(info.type, "file")
        size = info.size if kind == "file" else 0
        spans: tuple[Span, ...] = (Span(0, size, info.offset_data),) if size else ()
        pieces: Any = info.sparse  # a list of (start, size) once the header was read
        if pieces is not None:
            spans = tuple(_sparse(info.offset_data, pieces))
        if any(span.offset + span.size > self.size for span in spans):
            raise self.fail(f"{info.name}: the archive ends before the file does")
        target = info.linkname
        if kind == "hard link":
            target = _absolute(target)
        xattrs = tuple(
            (name.removeprefix(_XATTR), value.encode("utf-8", "surrogateescape"))
            for name, value in sorted(info.pax_headers.items())
            if name.startswith(_XATTR)
        )
        return Record(
            _absolute(info.name), kind, info.mode & 0o7777, info.uid, info.gid, size,
            int(info.mtime * 1_000_000_000), target, spans, xattrs,
        )  # fmt: skip

    def _unpack(self, packed: BinaryIO | io.BufferedIOBase | io.RawIOBase, limit: int) -> None:
        blob = self._stream
        out = tempfile.TemporaryFile(prefix="scratchpack-layer-")  # noqa: SIM115 - closed with the layer
        try:
            self._copy(packed, out, limit)
        except BaseException:
            out.close()
            raise
        finally:
            blob.close()
        self._stream = out

    def _copy(self, packed: BinaryIO | io.BufferedIOBase | io.RawIOBase, out: BinaryIO, limit: int) -> None:
        total = 0
        while True:
            try:
                piece = packed.read(_PIECE)
            except (OSError, EOFError, zlib.error) as error:
                raise self.fail(f"damaged compressed data ({error})") from error
            if not piece:
                return
            total += len(piece)
            if total > limit:
                raise self.fail(f"more than {limit} bytes when decompressed")
            try:
                out.write(piece)
            except OSError as error:
                raise OutputError(
                    f"cannot keep {self.origin} in the temporary directory: {error.strerror}",
                    hint="set TMPDIR to a directory with more space",
                ) from error


def _absolute(name: str) -> str:
    return "/" + posixpath.normpath("/" + name).lstrip("/")


def _sparse(offset: int, pieces: Iterable[tuple[int, int]]) -> Iterator[Span]:
    for start, size in pieces:
        if size:
            yield Span(start, size, offset)
            offset += size


class _Headers(io.RawIOBase):
    """The layer as tarfile reads it: it asks for whole extended headers at once, so their size is bounded here."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_METADATA:
            raise tarfile.ReadError(f"an extended header of {size} bytes")
        data = self._layer.read(self._at, size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._layer.size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True


class _Content(io.RawIOBase):
    def __init__(self, layer: Layer, spans: tuple[Span, ...], size: int) -> None:
        self._layer, self._spans, self._size, self._at = layer, spans, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """One span's bytes, or the zeroes before the next one."""
        room = min(len(buffer), self._size - self._at)
        if room <= 0:
            return 0
        following = self._size
        for span in self._spans:
            if span.start <= self._at < span.start + span.size:
                behind = self._at - span.start
                data = self._layer.read(span.offset + behind, min(room, span.size - behind))
                break
            if span.start > self._at:
                following = min(following, span.start)
        else:
            data = bytes(min(room, following - self._at))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
