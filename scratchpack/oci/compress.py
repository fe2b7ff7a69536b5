"""Layer compression whose bytes depend on the input, the level and the compressor's version alone.

Not on the number of threads, not on the processor: gzip comes from zlib-ng (same bytes on every x86 model tried, with and
without its vector code), and the stream is cut into blocks of one fixed size, each deflated with the 32 KiB before it as the
dictionary and ended by a sync flush, so that the cut is the same however many threads work. The result is one gzip member.
zstd runs in its multi-threaded mode always, whose jobs are cut by size alone.
"""

from __future__ import annotations

import os
import struct
from collections import deque
from typing import TYPE_CHECKING, Protocol

from scratchpack.errors import UsageError
from scratchpack.oci.model import MEDIA_LAYER

if TYPE_CHECKING:
    from _queue import SimpleQueue
    from collections.abc import Callable

GZIP_BLOCK = 256 * 1024
ZSTD_BLOCK = 1024 * 1024
WINDOW = 32 * 1024
DEFAULT_LEVEL = {"gzip": 2, "zstd": 3, "none": 0}
LEVELS = {"gzip": range(1, 10), "zstd": range(1, 20), "none": range(1)}
SUFFIX = {"gzip": "+gzip", "zstd": "+zstd", "none": ""}
# ID1 ID2, deflate, no flags, no time, no extra flags, OS unknown: nothing of the machine that compresses
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_EMPTY_BLOCK = b"\x03\x00"


class Compressor(Protocol):
    """Takes the uncompressed stream in pieces and hands the compressed one on."""

    identity: str | None

    def write(self, data: bytes | memoryview) -> None:
        """Take the next piece; it is copied where it must outlive the call."""

    def finish(self) -> None:
        """Hand on everything that is left."""

    def close(self) -> None:
        """Stop the threads, whether finished or not."""


def media_type(compression: str) -> str:
    """The OCI media type of a layer compressed so (I13, I14)."""
    return MEDIA_LAYER + SUFFIX[compression]


def compressor(
    compression: str, level: int | None, sink: Callable[[bytes | memoryview], None], threads: int | None = None
) -> Compressor:
    """The compressor of that name, writing to ``sink``.

    Raises:
        UsageError: no such compression, or no such level of it.
    """
    if compression not in DEFAULT_LEVEL:
        raise UsageError(f"cannot compress with {compression!r}", hint="choose gzip, zstd or none")
    level = DEFAULT_LEVEL[compression] if level is None else level
    if level not in LEVELS[compression]:
        levels = LEVELS[compression]
        raise UsageError(
            f"cannot compress with {compression} at level {level}",
            hint=f"choose a level from {levels.start} to {levels.stop - 1}",
        )
    threads = threads or _processors()
    if compression == "gzip":
        return Gzip(sink, level, threads)
    if compression == "zstd":
        return Zstd(sink, level, threads)
    return Plain(sink)


def _processors() -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, 16)


class Plain:
    """No compression."""

    identity: str | None = None

    def __init__(self, sink: Callable[[bytes | memoryview], None]) -> None:
        self._sink = sink

    def write(self, data: bytes | memoryview) -> None:
        """Hand it on as it is."""
        self._sink(data)

    def finish(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        """No threads."""


class _Job:
    __slots__ = ("answer", "block", "window")

    def __init__(self, block: bytes, window: bytes, answer: SimpleQueue[bytes | BaseException]) -> None:
        self.block, self.window, self.answer = block, window, answer


class Gzip:
    """One gzip member, deflated in fixed blocks on all cores; at most a few blocks are in memory."""

    def __init__(self, sink: Callable[[bytes | memoryview], None], level: int, threads: int) -> None:
        from zlib_ng import zlib_ng

        self.identity: str | None = (
            f"zlib-ng {zlib_ng.ZLIBNG_RUNTIME_VERSION}, level {level}, blocks of {GZIP_BLOCK} bytes"
        )
        self._zlib, self._level, self._threads = zlib_ng, level, threads
        self._sink, self._buffer, self._window = sink, bytearray(), b""
        self._crc, self._size = 0, 0
        self._jobs: SimpleQueue[_Job | None] | None = None
        self._workers = 0
        self._pending: deque[_Job] = deque()
        sink(_GZIP_HEADER)

    def write(self, data: bytes | memoryview) -> None:
        """Collect whole blocks and give each to a thread."""
        view = memoryview(data)
        while view:
            room = GZIP_BLOCK - len(self._buffer)
            self._buffer += view[:room]
            view = view[room:]
            if len(self._buffer) == GZIP_BLOCK:
                self._submit()

    def finish(self) -> None:
        """Wait for all blocks, in order, and end the member."""
        if self._buffer:
            if self._jobs is None:
                self._threads = 1  # one block has nothing to run beside
            self._submit()
        while self._pending:
            self._collect()
        self._sink(_LAST_EMPTY_BLOCK + struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))

    def close(self) -> None:
        """Tell the threads to end; they hold nothing, and end with the process anyhow."""
        if self._jobs is not None:
            for _ in range(self._workers):
                self._jobs.put(None)

    def _submit(self) -> None:
        block = bytes(self._buffer)
        self._buffer.clear()
        self._crc = self._zlib.crc32(block, self._crc)
        self._size += len(block)
        window, self._window = self._window, block[-WINDOW:]
        if self._threads == 1:
            self._sink(self._deflate(block, window))
            return
        from _queue import SimpleQueue

        if self._jobs is None:
            self._jobs = SimpleQueue()
        job = _Job(block, window, SimpleQueue())
        if self._workers < self._threads:
            self._start()
        self._jobs.put(job)
        self._pending.append(job)
        if len(self._pending) > 2 * self._threads:
            self._collect()

    def _start(self) -> None:
        from _thread import start_new_thread  # threading takes a millisecond to import, and these are never joined

        start_new_thread(self._work, ())
        self._workers += 1

    def _work(self) -> None:
        assert self._jobs is not None  # noqa: S101 - set before a thread starts
        while (job := self._jobs.get()) is not None:
            try:
                job.answer.put(self._deflate(job.block, job.window))
            except BaseException as error:  # noqa: BLE001 - raised again by _collect, in the thread that asked
                job.answer.put(error)

    def _collect(self) -> None:
        answer = self._pending.popleft().answer.get()
        if isinstance(answer, BaseException):
            raise answer
        self._sink(answer)

    def _deflate(self, block: bytes, window: bytes) -> bytes:
        zlib = self._zlib
        raw = zlib.compressobj(
            self._level, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY, *([window] if window else [])
        )
        return bytes(raw.compress(block) + raw.flush(zlib.Z_SYNC_FLUSH))


class Zstd:
    """One zstd frame."""

    def __init__(self, sink: Callable[[bytes | memoryview], None], level: int, threads: int) -> None:
        import zstandard

        version = ".".join(str(part) for part in zstandard.ZSTD_VERSION)
        self.identity: str | None = f"zstd {version}, level {level}, multi-threaded mode"
        # threads=0 would be the single-threaded mode, whose bytes are others
        self._frame = zstandard.ZstdCompressor(level=level, threads=max(1, threads), write_checksum=True).compressobj()
        self._sink, self._buffer = sink, bytearray()

    def write(self, data: bytes | memoryview) -> None:
        """Feed whole blocks, so that the pieces of the caller do not matter."""
        view = memoryview(data)
        while view:
            room = ZSTD_BLOCK - len(self._buffer)
            self._buffer += view[:room]
            view = view[room:]
            if len(self._buffer) == ZSTD_BLOCK:
                self._feed()

    def _feed(self) -> None:
        if out := self._frame.compress(bytes(self._buffer)):
            self._sink(out)
        self._buffer.clear()

    def finish(self) -> None:
        """End the frame."""
        self._feed()
        self._sink(self._frame.flush())

    def close(self) -> None:
        """The library ends its threads with the frame."""
