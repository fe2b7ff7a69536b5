"""``/etc/ld.so.cache``: read as the loader reads it, and written so that the loader and ``ldconfig -p`` read it (R8, R23)."""

from __future__ import annotations

import os
import re
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.elf.budget import Budget
    from scratchpack.loader.hwcaps import Processor

MAX_CACHE = 64 << 20  # bytes (S23); a large distribution's is under 1 MiB
MAX_HWCAPS = 4096  # names of glibc-hwcaps subdirectories; there are a dozen
NEW_MAGIC, OLD_MAGIC = b"glibc-ld.so.cache1.1", b"ld.so-1.7.0"
NEW_HEADER, NEW_ENTRY, OLD_HEADER, OLD_ENTRY = 48, 24, 16, 12  # bytes
_EXTENSION_MAGIC = 0xEAA42174
_TAG_GENERATOR, _TAG_HWCAPS = 0, 1
_NAMED, _NAMED_RESERVED = 1 << 62, ((1 << 20) - 1) << 42 | 1 << 63  # R8: bit 62 set, 42 to 61 and 63 clear
_ENDIAN = {"little": 2, "big": 3}

# The flags of a machine's entries (R8); another machine's are invisible to the loader.
FLAGS = {
    "x86_64": 0x303, "i386": 0x003, "x32": 0x803, "aarch64": 0xA03, "armhf": 0x903, "armel": 0xB03, "ppc64": 0x503,
    "ppc64le": 0x503, "s390x": 0x403, "riscv64": 0x1003, "loongarch64": 0x1203, "mips": 0x003, "mipsel": 0x003,
    "mipsn32": 0x603, "mipsn32el": 0x603, "mips64": 0x703, "mips64el": 0x703,
}  # fmt: skip
_ALSO = {"armhf": {0x003}, "armel": {0x003}}  # ELF_LIBC6 alone is accepted there too


def accepted_flags(machine: str, e_flags: int) -> frozenset[int]:
    """The entry flags that the loader of a machine takes; soft-float RISC-V and LoongArch, NaN2008 MIPS have their own."""
    flags = FLAGS[machine]
    if machine == "riscv64" and not e_flags & 0x6:
        flags = 0xF03
    elif machine == "loongarch64" and e_flags & 0x7 == 1:
        flags = 0x1103
    elif machine.startswith("mips") and e_flags & 0x400:
        flags = {0x003: 0xC03, 0x603: 0xD03, 0x703: 0xE03}[flags]
    return frozenset({flags, *_ALSO.get(machine, ())})


class CacheEntry(NamedTuple):
    """One line of ``ldconfig -p``. ``hwcap`` names a glibc-hwcaps subdirectory, "" for none."""

    soname: str
    path: str
    flags: int
    hwcap: str = ""
    isa_bit: int = 0


class Hit(NamedTuple):
    """What a lookup gave, and the glibc-hwcaps names of entries that other processors would rather use."""

    path: str | None
    others: frozenset[str] = frozenset()


class Cache:
    """A cache file's table, searched by halves as the loader does: the order in the file counts, not the names' (R8)."""

    def __init__(self, data: bytes, byte_order: str, budget: Budget | None = None) -> None:
        """Take the bytes of a whole file; ``budget`` pays for the lookups (S23).

        Raises:
            ValueError: the loader would ignore this file.
        """
        self._data = data  # rows are unpacked when they are looked at: a file may have millions
        self._budget = budget
        self._prefix = "<" if byte_order == "little" else ">"
        self._hwcap_names: tuple[bytes, ...] = ()
        self._layout: struct.Struct
        self._first = self._count = self._base = 0
        if len(data) > NEW_HEADER and data.startswith(NEW_MAGIC):
            self._load_new(data, 0, byte_order)
        elif len(data) > OLD_HEADER and data.startswith(OLD_MAGIC):
            self._load_old(data, byte_order)
        else:
            raise ValueError("neither the new nor the old magic")

    def _load_new(self, data: bytes, base: int, byte_order: str) -> None:
        (count,) = struct.unpack_from(self._prefix + "I", data, base + 20)
        endian = data[base + 28] & 3
        if endian not in (0, _ENDIAN[byte_order]):
            raise ValueError("written for the other byte order")
        if count > (len(data) - base - NEW_HEADER) // NEW_ENTRY:
            raise ValueError("cut short")
        self._layout = struct.Struct(self._prefix + "iII4xQ")
        self._first, self._count, self._base = base + NEW_HEADER, count, base
        self._hwcap_names = self._extension(data, base)

    def _load_old(self, data: bytes, byte_order: str) -> None:
        (count,) = struct.unpack_from(self._prefix + "I", data, 12)
        if count > (len(data) - OLD_HEADER) // OLD_ENTRY:
            raise ValueError("cut short")
        end = OLD_HEADER + count * OLD_ENTRY
        aligned = -(-end // 8) * 8
        if data[aligned : aligned + len(NEW_MAGIC)] == NEW_MAGIC and len(data) >= aligned + NEW_HEADER:
            self._load_new(data, aligned, byte_order)
            return
        self._layout = struct.Struct(self._prefix + "iII")
        self._first, self._count, self._base = OLD_HEADER, count, end

    def _extension(self, data: bytes, base: int) -> tuple[bytes, ...]:
        """The glibc-hwcaps names; any inconsistency means none, as in the loader."""
        (at,) = struct.unpack_from(self._prefix + "I", data, base + 32)
        at += base
        if at == base or at % 4 or at + 8 > len(data):
            return ()
        magic, count = struct.unpack_from(self._prefix + "II", data, at)
        if magic != _EXTENSION_MAGIC or count > (len(data) - at - 8) // 16:
            return ()
        for section in range(count):
            tag, _, offset, size = struct.unpack_from(self._prefix + "IIII", data, at + 8 + 16 * section)
            if offset > len(data) or size > len(data) - offset:
                return ()
            if tag == _TAG_HWCAPS and size % 4 == 0 and size <= 4 * MAX_HWCAPS:
                offsets = struct.unpack_from(f"{self._prefix}{size // 4}I", data, offset)
                return tuple(self._text(o) or b"" for o in offsets)
        return ()

    def _row(self, number: int) -> tuple[int, int, int, int]:
        """(flags, offset of the name, offset of the path, hwcap) of an entry."""
        flags, key, value, *hwcap = self._layout.unpack_from(self._data, self._first + number * self._layout.size)
        return flags, key, value, hwcap[0] if hwcap else 0

    def _text(self, offset: int) -> bytes | None:
        at = self._base + offset
        if at >= len(self._data):
            return None
        end = self._data.find(b"\0", at, at + 4096)
        if self._budget is not None:
            self._budget.step(10 + max(0, end - at) // 16)  # long names are compared letter by letter
        return None if end < 0 else self._data[at:end]

    def _compare(self, name: bytes, row: int) -> int | None:
        text = self._text(self._row(row)[1])
        return None if text is None else _order(name, text)

    def lookup(self, name: str, flags: frozenset[int], processor: Processor) -> Hit:
        """The one candidate that this cache has for a name, on this processor."""
        wanted = os.fsencode(name)
        left, right = 0, self._count - 1
        while left <= right:
            middle = (left + right) // 2
            order = self._compare(wanted, middle)
            if order is None:
                return Hit(None)
            if order == 0:
                while middle > 0 and self._compare(wanted, middle - 1) == 0:
                    middle -= 1
                return self._best(wanted, middle, right, flags, processor)
            if order < 0:
                left = middle + 1
            else:
                right = middle - 1
        return Hit(None)

    def _best(self, wanted: bytes, first: int, last: int, flags: frozenset[int], processor: Processor) -> Hit:
        named: tuple[int, bytes] | None = None
        others: set[str] = set()
        for at in range(first, last + 1):
            if self._compare(wanted, at) != 0:
                break
            entry_flags, _, value, hwcap = self._row(at)
            path = self._text(value)
            if entry_flags not in flags or path is None:
                continue
            if hwcap & _NAMED and not hwcap & _NAMED_RESERVED:
                name = self._hwcap_name(hwcap & 0xFFFFFFFF)
                others.add(name)
                if name in processor.hwcaps and (hwcap >> 32 & 0x3FF) <= processor.isa_bit:
                    priority = processor.hwcaps.index(name)
                    if named is None or priority < named[0]:
                        named = priority, path
                continue
            if named is not None:
                break
            if processor.takes(hwcap):
                return Hit(os.fsdecode(path), frozenset(others))
        return Hit(os.fsdecode(named[1]) if named else None, frozenset(others))

    def _hwcap_name(self, index: int) -> str:
        return os.fsdecode(self._hwcap_names[index]) if index < len(self._hwcap_names) else ""

    def entries(self) -> tuple[CacheEntry, ...]:
        """Every entry with readable names, in file order."""
        found = []
        for number in range(self._count):
            flags, key, value, hwcap = self._row(number)
            soname, path = self._text(key), self._text(value)
            if soname is not None and path is not None:
                named = bool(hwcap & _NAMED) and not hwcap & _NAMED_RESERVED
                name, isa = (self._hwcap_name(hwcap & 0xFFFFFFFF), hwcap >> 32 & 0x3FF) if named else ("", 0)
                found.append(CacheEntry(os.fsdecode(soname), os.fsdecode(path), flags, name, isa))
        return tuple(found)


_SHORT = 64  # bytes of a name that is worth remembering
_RUNS = re.compile(rb"[0-9]+|[^0-9]")


def _order(left: bytes, right: bytes) -> int:
    """``_dl_cache_libcmp``: below, at or above 0, as :func:`_collation` orders them, without a tuple of each letter."""
    if left == right:
        return 0
    if len(left) <= _SHORT and len(right) <= _SHORT:
        return 1 if _short(left) > _short(right) else -1 if _short(left) < _short(right) else 0
    while left and right:
        common = _common(left, right)
        start = len(left[:common].rstrip(b"0123456789"))  # the number that the difference may stand in
        runs = _RUNS.match(left, start), _RUNS.match(right, start)
        if runs[0] is None or runs[1] is None:  # one is the beginning of the other
            return (len(left) > start) - (len(right) > start)
        one, other = _collation(runs[0][0]), _collation(runs[1][0])
        if one != other:
            return 1 if one > other else -1
        left, right = left[runs[0].end() :], right[runs[1].end() :]
    return bool(left) - bool(right)


def _common(left: bytes, right: bytes) -> int:
    """How many bytes both begin with, by halves."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _collation(name: bytes) -> tuple[tuple[int, int], ...]:
    """The order of ``_dl_cache_libcmp``: runs of digits by their number, and above every other character."""
    # 2^32 divides 10^32, so the digits before the last 32 do not count; int() refuses thousands of them
    return tuple((1, int(run[-32:]) & 0xFFFFFFFF) if run.isdigit() else (0, run[0]) for run in _RUNS.findall(name))


_short = lru_cache(maxsize=8192)(_collation)  # the same few names are compared again and again


def read_cache(stream: BinaryIO, byte_order: str, budget: Budget | None = None) -> Cache | None:
    """The cache of a stream, or ``None`` for one that the loader silently ignores (R8)."""
    data = stream.read(MAX_CACHE + 1)
    if len(data) > MAX_CACHE:
        return None
    try:
        return Cache(data, byte_order, budget)
    except (ValueError, struct.error):
        return None


def write_cache(entries: Iterable[CacheEntry], byte_order: str) -> bytes:
    """The bytes of a cache in the new format; equal entries give equal bytes, in whatever order they come."""
    prefix = "<" if byte_order == "little" else ">"
    rows = sorted(set(entries))
    names = sorted({entry.hwcap for entry in rows if entry.hwcap}, key=os.fsencode)
    rows.sort(key=lambda e: (_collation(os.fsencode(e.soname)), e.flags, names.index(e.hwcap) + 1 if e.hwcap else 0))
    rows.reverse()  # R8: descending
    strings, offsets = bytearray(), dict[str, int]()
    base = NEW_HEADER + NEW_ENTRY * len(rows)
    for text in (*names, *(text for entry in rows for text in (entry.soname, entry.path))):
        if text not in offsets:
            offsets[text] = base + len(strings)
            strings += os.fsencode(text) + b"\0"
    table = b"".join(
        struct.pack(
            prefix + "iIIIQ", entry.flags, offsets[entry.soname], offsets[entry.path], 0,
            _NAMED | entry.isa_bit << 32 | names.index(entry.hwcap) if entry.hwcap else 0,
        )
        for entry in rows
    )  # fmt: skip
    extension = -(-(base + len(strings)) // 4) * 4 if names else 0
    head = struct.pack(prefix + "20sIIB3xI12x", NEW_MAGIC, len(rows), len(strings), _ENDIAN[byte_order], extension)
    data = head + table + bytes(strings)
    if not names:
        return data
    data = data.ljust(extension, b"\0")
    array = struct.pack(f"{prefix}{len(names)}I", *(offsets[name] for name in names))
    return (
        data + struct.pack(prefix + "IIIIII", _EXTENSION_MAGIC, 1, _TAG_HWCAPS, 0, extension + 24, len(array)) + array
    )
