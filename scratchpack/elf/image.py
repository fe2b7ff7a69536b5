"""An ELF file as the kernel and the loader see it: header, program headers, memory by address, the dynamic section.

Section headers are never looked at (S2). Every read is bounded (S4), and what does not fit raises :class:`ElfError` (S3).
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.elf.budget import Budget
from scratchpack.errors import ElfError, LimitError
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PROGRAM_HEADERS_SIZE = 65536  # bytes: the kernel's own bound
MAX_DYNAMIC = 65536  # entries
MAX_STRING = 4096  # bytes, the closing NUL among them: PATH_MAX
PAGE = 4096  # the loader maps whole pages; a later segment covers an earlier one

PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE = 1, 2, 3, 4
DT_NULL = 0

_HEADER = {32: "HHIIIIIHHHHHH", 64: "HHIQQQIHHHHHH"}
_SEGMENT = {32: "IIIIIIII", 64: "IIQQQQQQ"}
_DYNAMIC = {32: "II", 64: "QQ"}


class Header(NamedTuple):
    """The ELF header; ``byte_order`` is "little" or "big", ``bits`` 32 or 64."""

    bits: int
    byte_order: str
    version: int  # EI_VERSION
    osabi: int
    abi_version: int
    pad: bytes  # e_ident[9:16]
    type: int
    machine: int
    e_version: int
    entry: int
    phoff: int
    shoff: int
    flags: int
    phentsize: int
    phnum: int
    shentsize: int
    shnum: int
    shstrndx: int

    @property
    def prefix(self) -> str:
        """The byte-order mark of :mod:`struct` formats."""
        return "<" if self.byte_order == "little" else ">"


class Segment(NamedTuple):
    """One program header. Offsets and sizes are bytes."""

    type: int
    offset: int
    vaddr: int
    filesz: int
    memsz: int
    flags: int
    align: int


class ElfImage:
    """One open ELF file.

    Args:
        stream: seekable; it stays open as long as the image is used, and stays the caller's.
        origin: what messages call the file.
        budget: what reading it may cost; its own one if there is none (S4).

    Raises:
        ElfError: not ELF, or it ends too early, or contradicts itself.
        LimitError: later, from every method: it costs too much.
    """

    __slots__ = ("_map", "_starts", "_stream", "budget", "header", "origin", "segments", "size")

    def __init__(self, stream: BinaryIO, origin: str, budget: Budget | None = None) -> None:
        self.origin = origin
        self.budget = budget or Budget(origin)
        self._stream = stream
        self.size = stream.seek(0, 2)
        self.header = self._header()
        self.segments = self._segments()
        loads = [segment for segment in self.segments if segment.type == PT_LOAD]
        self._check_loads(loads)
        self._map = _mapped(loads)
        self._starts = [piece[0] for piece in self._map]

    def fail(self, why: str) -> ElfError:
        """The error to raise for this file."""
        return ElfError(
            f"cannot read {self.origin}: {why}",
            hint="the file is damaged or was cut short: build or download it again",
        )

    def too_much(self, what: str) -> LimitError:
        """The error to raise where the parts are within their limits and the whole is not (S4)."""
        return LimitError(
            f"cannot examine {self.origin}: it has {what}",
            hint="no linker makes such a file: it is damaged, or made to do harm",
        )

    def read(self, offset: int, size: int, what: str) -> bytes:
        """Exactly ``size`` bytes at a file offset."""
        if offset + size > self.size:
            raise self.fail(f"{what} reaches to byte {offset + size}, the file ends at {self.size}")
        self.budget.read(size)
        self._stream.seek(offset)
        data = self._stream.read(size)
        if len(data) != size:
            raise self.fail(f"{what} could not be read whole: the file changed while it was read")
        return data

    def offset(self, address: int, what: str) -> tuple[int, int]:
        """Where an address stands in the file, and how many bytes from there are mapped in one piece of the file."""
        at = bisect_right(self._starts, address) - 1
        if at >= 0:
            start, end, offset = self._map[at]
            if address < end:
                place = offset + address - start
                return place, max(0, min(end - address, self.size - place))
        raise self.fail(f"{what} is at address {address:#x}, which no segment maps from the file")

    def extent(self, address: int, limit: int, what: str) -> int:
        """How many bytes are mapped from an address on without a gap, at most ``limit``; a table may span segments."""
        return sum(size for _, size in self._pieces(address, limit, what))

    def upto(self, address: int, limit: int, what: str) -> bytes:
        """The bytes from an address on, at most ``limit``, fewer where what is mapped ends before."""
        return b"".join([self.read(offset, size, what) for offset, size in self._pieces(address, limit, what)])

    def at(self, address: int, size: int, what: str) -> bytes:
        """Exactly ``size`` bytes at a virtual address."""
        offset, mapped = self.offset(address, what)
        if mapped >= size:
            return self.read(offset, size, what)
        if self.extent(address, size, what) < size:
            raise self.fail(f"{what} at address {address:#x} reaches past the end of its segment")
        return self.upto(address, size, what)

    def _pieces(self, address: int, limit: int, what: str) -> Iterator[tuple[int, int]]:
        """(file offset, size) of what is mapped from an address on without a gap."""
        offset, mapped = self.offset(address, what)
        at = bisect_right(self._starts, address)
        while mapped and limit > 0:
            size = min(mapped, limit)
            yield offset, size
            address, limit = address + size, limit - size
            if at >= len(self._map) or self._starts[at] != address:
                return
            self.budget.step()
            offset, mapped = self.offset(address, what)
            at += 1

    def string(self, address: int, what: str) -> bytes:
        """The NUL-ended string at a virtual address, without its NUL; at most 4 KiB (S4)."""
        for size in (128, MAX_STRING):
            text, end, _ = self.upto(address, size, what).partition(b"\0")
            if end:
                return text
        raise self.fail(f"{what} is not ended within {MAX_STRING} bytes")

    def dynamic(self) -> tuple[tuple[int, int], ...] | None:
        """The (tag, value) pairs of the dynamic section up to DT_NULL; ``None`` without one.

        The last PT_DYNAMIC counts, by address, and ``p_filesz`` does not bound it: both as the loaders do it.
        """
        segment = next((s for s in reversed(self.segments) if s.type == PT_DYNAMIC), None)
        if segment is None or segment.filesz == 0:
            return None
        entries: list[tuple[int, int]] = []
        for pair in self._dynamic_entries(segment.vaddr):
            if pair[0] == DT_NULL:
                return tuple(entries)
            entries.append(pair)
            if len(entries) > MAX_DYNAMIC:
                break
        raise self.fail("the dynamic section has no end" if len(entries) <= MAX_DYNAMIC else "too many dynamic entries")

    def _dynamic_entries(self, address: int) -> Iterator[tuple[int, int]]:
        entry = struct.Struct(self.header.prefix + _DYNAMIC[self.header.bits])
        size = 64 * entry.size
        left = self.extent(address, (MAX_DYNAMIC + 1) * entry.size, "the dynamic section")
        while left >= entry.size:
            data = self.upto(address, min(size, left - left % entry.size), "the dynamic section")
            yield from entry.iter_unpack(data)
            address, left = address + len(data), left - len(data)

    def _header(self) -> Header:
        ident = self.read(0, 16, "the ELF header") if self.size >= 4 else b""
        if ident[:4] != b"\x7fELF":
            raise self.fail("not an ELF file")
        if ident[4] not in (1, 2) or ident[5] not in (1, 2):
            raise self.fail(f"its ELF class ({ident[4]}) or byte order ({ident[5]}) does not exist")
        bits, order = 32 * ident[4], ("little", "big")[ident[5] - 1]
        layout = struct.Struct("<>"[ident[5] - 1] + _HEADER[bits])
        kind, machine, version, entry, phoff, shoff, flags, _, *rest = layout.unpack(
            self.read(16, layout.size, "the ELF header")
        )
        return Header(
            bits, order, ident[6], ident[7], ident[8], ident[9:16], kind, machine, version, entry, phoff, shoff, flags, *rest
        )  # fmt: skip

    def _segments(self) -> tuple[Segment, ...]:
        header = self.header
        layout = struct.Struct(header.prefix + _SEGMENT[header.bits])
        size = layout.size * header.phnum
        if header.phnum and header.phentsize != layout.size:
            raise self.fail(f"program headers of {header.phentsize} bytes, {layout.size} are the only size")
        if size > MAX_PROGRAM_HEADERS_SIZE:
            raise self.fail(f"too many program headers ({header.phnum})")
        rows = layout.iter_unpack(self.read(header.phoff, size, "the program header table"))
        if header.bits == 32:
            return tuple(Segment(t, o, v, fs, ms, fl, al) for t, o, v, _, fs, ms, fl, al in rows)
        return tuple(Segment(t, o, v, fs, ms, fl, al) for t, fl, o, v, _, fs, ms, al in rows)

    def _check_loads(self, loads: list[Segment]) -> None:
        for load in loads:
            if load.offset + load.filesz > self.size:
                raise self.fail(f"a segment reaches to byte {load.offset + load.filesz}, the file ends at {self.size}")
            if load.filesz and (load.vaddr - load.offset) % PAGE:
                raise self.fail("a segment's address and file offset do not agree within a page")
            if load.filesz > load.memsz:
                raise self.fail("a segment is larger in the file than in memory")


def _mapped(loads: list[Segment]) -> list[tuple[int, int, int]]:
    """Which addresses come from where in the file: (start, end, file offset), sorted, none over another.

    As the loader maps: whole pages, a later segment over an earlier one, zeroes after ``p_filesz``. Pieces that adjoin
    in memory and in the file become one.
    """
    layers: list[tuple[int, int, int | None]] = []  # (start, end, offset, or None for zeroes), in the order of mapping
    for load in loads:
        start, end = load.vaddr, load.vaddr + load.filesz
        if load.filesz:
            whole = end if load.memsz > load.filesz else -(-end // PAGE) * PAGE
            layers.append((start - start % PAGE, whole, load.offset - start % PAGE))
        if load.memsz > load.filesz:
            layers.append((end, -(-(load.vaddr + load.memsz) // PAGE) * PAGE, None))
    edges = sorted({edge for start, end, _ in layers for edge in (start, end)})
    owner = [-1] * len(edges)  # which layer holds the addresses from this edge to the next
    for number, (start, end, _) in enumerate(layers):
        first, last = bisect_left(edges, start), bisect_left(edges, end)
        owner[first:last] = [number] * (last - first)
    pieces: list[tuple[int, int, int]] = []
    for at, number in enumerate(owner):
        start, _, offset = layers[number]
        if number < 0 or offset is None:
            continue
        place = offset + edges[at] - start
        if pieces and pieces[-1][1] == edges[at] and pieces[-1][2] + edges[at] - pieces[-1][0] == place:
            pieces[-1] = (pieces[-1][0], edges[at + 1], pieces[-1][2])
        else:
            pieces.append((edges[at], edges[at + 1], place))
    return pieces
