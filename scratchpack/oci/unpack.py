"""Decompression of what comes from elsewhere: streamed, and bounded (S25)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, BinaryIO, cast

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

    kind = compression_of(stream)
    size = 0
    try:
        source = _opened(stream, kind, what)
        while piece := source.read(PIECE):
            size += len(piece)
            if size > limit:
                raise InputError(f"cannot unpack {what}: more than {limit} bytes")
            yield piece
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise InputError(f"cannot unpack {what}: damaged {kind or 'file'} ({error})") from error
    if kind == "zstd" and stream.read(1):
        raise InputError(f"cannot unpack {what}: something follows the zstd frames")


def _opened(stream: BinaryIO, kind: str | None, what: str) -> BinaryIO:
    if kind is None:
        return stream
    if kind == "gzip":
        import gzip

        return cast("BinaryIO", gzip.GzipFile(fileobj=stream))
    if kind == "zstd":
        import zstandard

        frames = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
        return cast("BinaryIO", frames.stream_reader(stream, read_across_frames=True, closefd=False))
    raise InputError(f"cannot unpack {what}: images do not use {kind}", hint="unpack it first")
