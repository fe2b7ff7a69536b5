"""One image layer read as an index: an opener of its blob goes in, one record for each entry of its tar comes out.

Nothing is extracted (S25). Reading the index streams through the blob and keeps nothing of the content; only where a file of the
layer is opened are the bytes of a compressed layer kept, in an unnamed temporary file, zeroes as holes.
"""

from __future__ import annotations

import bisect
import hashlib
import io
import os
import posixpath
import tarfile
import tempfile
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from scratchpack.errors import InputError, OutputError
from scratchpack.oci.tarstream import MAX_HEADER, BadTarError, members
from scratchpack.oci.unpack import MAX_UNPACKED, PIECE, ForwardReader, compression_of, pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MAX_NAME = 4096  # bytes of a path or a link's target, PATH_MAX of Linux
MAX_SPANS = 1_000_000  # stretches of the sparse files of one layer
_FAR = 1 << 63
_XATTR = "SCHILY.xattr."
_KINDS = {
    tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.CONTTYPE: "file", tarfile.GNUTYPE_SPARSE: "file",
    tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hard link",
    tarfile.CHRTYPE: "device", tarfile.BLKTYPE: "device", tarfile.FIFOTYPE: "fifo",
}  # fmt: skip


class Span(NamedTuple):
    """``size`` bytes of a sparse file from ``start`` on stand at ``offset`` of the layer; between spans are zeroes."""

    start: int
    size: int
    offset: int


class Record(NamedTuple):
    """One entry of a layer. ``target`` is a symbolic link's, as stored, or the path of a hard link's other name."""

    path: str  # absolute, normalised: no name leads out of the root
    kind: str  # "file" | "directory" | "symlink" | "hard link" | "device" | "fifo"
    mode: int  # permission bits, 07777
    uid: int
    gid: int
    size: int  # bytes of content, holes included
    mtime: int  # nanoseconds
    target: str
    offset: (
        int  # where its content stands in the uncompressed layer; -1: a directory that only the names below it imply
    )
    spans: tuple[Span, ...] | None  # of a sparse file
    xattrs: tuple[tuple[str, bytes], ...]
    device: tuple[str, int, int] | None = None  # of a device: "c" or "b", major, minor

    @property
    def stored(self) -> int:
        """Bytes of content that stand in the layer: without the holes of a sparse file."""
        return self.size if self.spans is None else sum(span.size for span in self.spans)


class LayerTar:
    """The bytes of one layer, uncompressed. ``size`` is known once :meth:`records` was read to its end.

    Args:
        opener: opens the blob, any number of times: a tar archive, plain or compressed with gzip or zstd.
        origin: what messages call it.
        limit: bytes that the layer, and its sparse files with their holes, may have uncompressed.
    """

    def __init__(self, opener: Callable[[], BinaryIO], origin: str, *, limit: int = MAX_UNPACKED) -> None:
        self.origin, self.size = origin, 0
        self._opener, self._limit = opener, limit
        self._file: BinaryIO | None = None
        self._closed = False

    def fail(self, why: str) -> InputError:
        """The error to raise for this layer."""
        return InputError(f"cannot read {self.origin}: {why}", hint="pull or build the image again")

    def close(self) -> None:
        """Close what is open; nothing of the layer can be read afterwards."""
        self._closed = True
        if self._file is not None:
            self._file.close()

    def records(self) -> Iterator[Record]:
        """All entries in the archive's order.

        Raises:
            InputError: another compression, damaged, cut short, or beyond a limit.
        """
        with self._blob() as blob:
            stream = ForwardReader(self._pieces(blob), most=MAX_HEADER)
            try:
                yield from self._entries(stream)
            except (BadTarError, OverflowError, ValueError) as error:  # a time that is no number, among them
                raise self.fail(str(error) or "damaged tar archive") from error
            stream.finish()
            self.size = stream.tell()

    def open(self, record: Record) -> BinaryIO:
        """One file's content, seekable, to be read until the layer is closed.

        Raises:
            InputError: the layer is damaged, or closed.
            OutputError: a compressed layer finds no room in the temporary directory.
        """
        self._random()
        return io.BufferedReader(_Content(self, _spans(record), record.size))

    def read(self, offset: int, size: int) -> bytes:
        """Up to ``size`` uncompressed bytes.

        Raises:
            InputError: the layer is closed.
        """
        file = self._random()
        file.seek(offset)
        return file.read(size)

    def digests(self, records: Iterable[Record]) -> dict[int, str]:
        """``sha256:<hex>`` of files of this layer by their ``offset``, in one pass through it."""
        found: dict[int, str] = {}
        with self._blob() as blob:
            stream = ForwardReader(self._pieces(blob), most=PIECE)
            for record in sorted(records, key=lambda record: record.offset):
                if record.offset not in found:
                    found[record.offset] = self._digest(stream, record)
        return found

    def _digest(self, stream: ForwardReader, record: Record) -> str:
        hashed, at = hashlib.sha256(), 0
        for span in (*_spans(record), Span(record.size, 0, 0)):
            while at < span.start:
                hole = min(PIECE, span.start - at)
                hashed.update(bytes(hole))
                at += hole
            if span.size:
                stream.seek(span.offset)
            while at < span.start + span.size:
                piece = stream.read(min(PIECE, span.start + span.size - at))
                if not piece:
                    raise self.fail(f"{record.path}: the archive ends before the file does")
                hashed.update(piece)
                at += len(piece)
        return "sha256:" + hashed.hexdigest()

    def _blob(self) -> BinaryIO:
        if self._closed:
            raise InputError(f"cannot read {self.origin}: the image was closed")
        return self._opener()

    def _pieces(self, blob: BinaryIO) -> Iterator[bytes]:
        return pieces(blob, limit=self._limit, what=self.origin)

    def _entries(self, stream: ForwardReader) -> Iterator[Record]:
        logical = spans = 0
        for info in members(stream):
            record = self._record(info)
            logical += record.size
            spans += len(record.spans or ())
            if logical > self._limit:
                raise self.fail(f"more than {self._limit} bytes of files")
            if spans > MAX_SPANS:
                raise self.fail(f"sparse files in more than {MAX_SPANS} pieces")
            yield record

    def _record(self, info: tarfile.TarInfo) -> Record:
        kind = _KINDS.get(info.type, "file")
        if info.size < 0:
            raise self.fail(f"{info.name!a}: a file of {info.size} bytes")
        size = info.size if kind == "file" else 0
        pieces_: Any = info.sparse  # a list of (start, size) once the header was read
        spans = None if pieces_ is None or kind != "file" else self._sparse(info, pieces_)
        if max(abs(info.uid), abs(info.gid), abs(info.mtime * 1_000_000_000)) >= _FAR:
            raise self.fail(f"{info.name!a}: an owner or a time that is none")
        for text in (info.name, info.linkname):
            if (len(text) > MAX_NAME // 4 and len(os.fsencode(text)) >= MAX_NAME) or "\0" in text:
                raise self.fail(f"{text[:60]!a}…: a name of over {MAX_NAME - 1} bytes, or with a NUL in it")
        xattrs = tuple(
            (name.removeprefix(_XATTR), value.encode("utf-8", "surrogateescape"))
            for name, value in sorted(info.pax_headers.items())
            if name.startswith(_XATTR)
        )
        return Record(
            _absolute(info.name), kind, info.mode & 0o7777, info.uid, info.gid, size, int(info.mtime * 1_000_000_000),
            _absolute(info.linkname) if kind == "hard link" else info.linkname, info.offset_data, spans, xattrs,
            ("c" if info.type == tarfile.CHRTYPE else "b", info.devmajor, info.devminor) if kind == "device" else None,
        )  # fmt: skip

    def _sparse(self, info: tarfile.TarInfo, stretches: Iterable[tuple[int, int]]) -> tuple[Span, ...]:
        found: list[Span] = []
        offset, end = info.offset_data, 0
        for start, size in stretches:
            if not size:
                continue  # padding of the old format's table
            if start < end or size < 0 or start + size > info.size:
                raise self.fail(f"{info.name!a}: a sparse file whose pieces do not follow each other")
            end = start + size
            found.append(Span(start, size, offset))
            offset += size
        return tuple(found)

    def _random(self) -> BinaryIO:
        """The uncompressed bytes where any place of them can be read: the blob itself, or a temporary file."""
        if self._file is None or self._closed:
            blob = self._blob()
            if compression_of(blob) is None:
                self._file = blob
            else:
                with blob:
                    self._file = self._unpacked(blob)
        return self._file

    def _unpacked(self, blob: BinaryIO) -> BinaryIO:
        out = cast("BinaryIO", tempfile.TemporaryFile(prefix="scratchpack-layer-"))  # noqa: SIM115 - closed with the layer
        try:
            size = 0
            for piece in self._pieces(blob):
                size += len(piece)
                if piece == bytes(len(piece)):
                    out.seek(size)  # what unpacks to a thousand times its size needs no room on the disk
                else:
                    out.write(piece)
            out.truncate(size)
            out.flush()
        except OSError as error:
            out.close()
            raise OutputError(
                f"cannot keep {self.origin} in the temporary directory: {error.strerror}",
                hint="set TMPDIR to a directory with more space",
            ) from error
        except BaseException:
            out.close()
            raise
        return out


def _absolute(name: str) -> str:
    return "/" + posixpath.normpath("/" + name).lstrip("/")


def _spans(record: Record) -> tuple[Span, ...]:
    if record.spans is not None:
        return record.spans
    return (Span(0, record.size, record.offset),) if record.size else ()


class _Content(io.RawIOBase):
    """One file of a layer; it asks the layer for every read, and the layer says when it was closed."""

    def __init__(self, layer: LayerTar, spans: tuple[Span, ...], size: int) -> None:
        self._layer, self._spans, self._size, self._at = layer, spans, size, 0
        self._starts = [span.start for span in spans]

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
        after = bisect.bisect_right(self._starts, self._at)
        span = self._spans[after - 1] if after else Span(0, 0, 0)
        behind = self._at - span.start
        if behind < span.size:
            data = self._layer.read(span.offset + behind, min(room, span.size - behind))
        else:
            following = self._starts[after] if after < len(self._starts) else self._size
            data = bytes(min(room, following - self._at))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
