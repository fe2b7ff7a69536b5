"""Decompression of what comes from elsewhere: streamed, and bounded (S25)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from scratchpack.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_UNPACKED = 64 << 30  # bytes, uncompressed
PIECE = 1024 * 1024
_MAX_WINDOW = 128 << 20  # what the zstd command takes without being asked
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ\0": "xz", b"BZh": "bzip2"}


def compression_of(stream: BinaryIO) -> str | None:
    """What the first bytes say: a name, or ``None`` for none that we know. The stream is rewound."""
    start = stream.read(6)
    stream.seek(0)
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)


def pieces(stream: BinaryIO, *, what: str, limit: int = MAX_UNPACKED) -> Iterator[bytes]:
    """The uncompressed bytes in pieces of a MiB, whatever the compression.

    Raises:
        InputError: damaged, cut short, a compression that images do not use, or more than ``limit``.
    """
    import zstandard
    from zlib_ng import zlib_ng

    kind = compression_of(stream)
    size = 0
    try:
        source = _opened(stream, kind, what)
        while piece := source.read(PIECE):
            size += len(piece)
            if size > limit:
                raise InputError(f"cannot unpack {what}: more than {limit} bytes")
            yield piece
    except (OSError, EOFError, zlib.error, cast("type[Exception]", zlib_ng.error), zstandard.ZstdError) as error:
        raise InputError(f"cannot unpack {what}: damaged {kind or 'file'} ({error})") from error
    if kind == "zstd" and stream.read(1):
        raise InputError(f"cannot unpack {what}: something follows the zstd frames")


def _opened(stream: BinaryIO, kind: str | None, what: str) -> BinaryIO:
    if kind is None:
        return stream
    if kind == "gzip":
        from zlib_ng import gzip_ng  # thirty times as fast as Python's own on what compresses well, twice on the rest

        return cast("BinaryIO", cast("Any", gzip_ng).GzipNGFile(fileobj=stream))
    if kind == "zstd":
        import zstandard

        if not _ends_whole(stream):
            raise InputError(f"cannot unpack {what}: damaged zstd (it is cut short)")
        frames = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
        return cast("BinaryIO", frames.stream_reader(stream, read_across_frames=True, closefd=False))
    raise InputError(f"cannot unpack {what}: images do not use {kind}", hint="unpack it first")


def _ends_whole(stream: BinaryIO) -> bool:
    """Whether zstd frames end with their last block, which its own reader does not ask (RFC 8878, 3.1). The stream is rewound."""
    at, end = 0, stream.seek(0, 2)
    while at < end:
        stream.seek(at)
        head = stream.read(18)
        if head[1:4] == b"\x2a\x4d\x18" and head[:1] and head[0] >> 4 == 5:  # skippable: a size, and as many bytes
            at += 8 + int.from_bytes(head[4:8], "little")
            continue
        if len(head) < 6:
            at = end + 1
            break
        if head[:4] != b"\x28\xb5\x2f\xfd":
            break  # what follows a frame and is none is the reader's to refuse
        flags = head[4]
        single = flags >> 5 & 1
        sizes = (1 if single else 0, 2, 4, 8)
        at += 5 + (1 - single) + (0, 1, 2, 4)[flags & 3] + sizes[flags >> 6]
        last = 0
        while not last:
            stream.seek(at)
            block = stream.read(3)
            if len(block) < 3:
                break
            word = int.from_bytes(block, "little")
            last = word & 1
            at += 3 + (1 if word >> 1 & 3 == 1 else word >> 3)
        at += 4 if flags >> 2 & 1 else 0
        if not last:
            at = end + 1
    stream.seek(0)
    return at <= end


class ForwardReader:
    """A stream of pieces as :mod:`tarfile` reads an archive: small reads, and seeks that only go forward (S25).

    Args:
        pieces: the bytes, in pieces of any size.
        most: bytes of one read; tarfile asks for a whole extended header at once, so more is refused.
    """

    def __init__(self, pieces: Iterator[bytes], *, most: int) -> None:
        self._pieces, self._most, self._at = pieces, most, 0
        self._buffer = memoryview(b"")
        self.latest = b""  # what the last read gave

    def tell(self) -> int:
        """Bytes read or passed so far."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes, fewer only at the end.

        Raises:
            ValueError: more than ``most`` at once.
        """
        if not 0 <= size <= self._most:
            raise ValueError(f"an extended header of {size} bytes")
        taken = bytearray()
        while len(taken) < size and self._fill():
            piece = self._buffer[: size - len(taken)]
            taken += piece
            self._buffer = self._buffer[len(piece) :]
        self._at += len(taken)
        self.latest = bytes(taken)
        return self.latest

    def seek(self, offset: int, whence: int = 0) -> int:
        """Pass over bytes.

        Raises:
            ValueError: the place lies behind: only damaged archives lead there.
        """
        if whence or offset < self._at:
            raise ValueError("a header that points backwards")
        while self._at < offset and self._fill():
            step = min(len(self._buffer), offset - self._at)
            self._buffer = self._buffer[step:]
            self._at += step
        return self._at

    def finish(self) -> bool:
        """Pass over everything that is left; whether that was nothing but zeroes."""
        zero = True
        while self._fill():
            zero = zero and self._buffer.tobytes() == bytes(len(self._buffer))  # a hundred times as fast as any()
            self._at += len(self._buffer)
            self._buffer = memoryview(b"")
        return zero

    def _fill(self) -> bool:
        while not self._buffer:
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._buffer = memoryview(piece)
        return True
