"""Looking for many literals in the bytes that a program maps, in as few passes as their letters allow.

Python's ``re`` searches a pattern that starts with one literal byte several times faster than an alternation (measured
on 94 MB with 47 literals: an alternation 1440 ms, a ``find`` each 1020 ms, this 340 ms). So literals are grouped by a
byte that they share and that is rare in programs; what stands before it is a lookbehind. A literal
that shares no such byte with others is searched for whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack.elf.image import PT_LOAD
from scratchpack.pattern import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scratchpack.elf.budget import Budget
    from scratchpack.elf.image import ElfImage

PIECE = 1 << 20  # bytes searched at a time
RUN = 512  # printable bytes kept on each side of a hit
# What the expression looks at beside the shared byte. Whole literals, and both sides, take three times as long to compile.
NEAR = 4  # bytes of what stands behind it, or before it
ENOUGH = 2  # bytes behind it that make it rare enough
MAX_RUNS = 64  # different runs kept of one literal
MAX_SCANNED = 1 << 30  # bytes of one file
PF_X, PF_W, PF_R = 1, 2, 4

_TABLES = ((5, 10), (7, 8), (17, 18))  # DT_STRTAB and DT_STRSZ, DT_RELA and DT_RELASZ, DT_REL and DT_RELSZ
_COMMON = b"e tiaonrslcdmpu\0"  # bytes that text and machine code are full of: poor to search by


class Patterns:
    """Literals made ready to be searched for; worth keeping where several files are scanned for the same."""

    def __init__(self, fragments: Iterable[str]) -> None:
        self.fragments = {fragment.encode("utf-8", "surrogateescape"): fragment for fragment in fragments if fragment}
        self.longest = max(map(len, self.fragments), default=0)
        groups = tuple(_groups(frozenset(self.fragments)))
        self.alone = tuple(group[0] for _, group in groups if len(group) == 1)
        self.passes = tuple(_pattern(pivot, group) for pivot, group in groups if len(group) > 1)

    def find(self, data: bytes, budget: Budget | None = None) -> Iterator[tuple[int, bytes]]:
        """Where each literal stands: (offset, literal), in no order; ``budget`` pays for every hit."""
        for literal in self.alone:
            at = data.find(literal)
            while at >= 0:
                if budget is not None:
                    budget.step(6)
                yield at, literal
                at = data.find(literal, at + 1)
        for expression, pivot, group in self.passes:
            cost = 6 + len(group) // 2
            for hit in expression.finditer(data):
                if budget is not None:
                    budget.step(cost)
                for literal in group:
                    start = hit.start() - literal.index(pivot)
                    if start >= 0 and data.startswith(literal, start):
                        yield start, literal


def scan(image: ElfImage, patterns: Patterns, parts: Iterable[tuple[int, int]]) -> dict[str, tuple[str, ...]]:
    """For each literal that occurs, the runs of printable ASCII bytes that it occurs in, in file order, each once.

    ``parts`` are (offset, size) in the file: :func:`readable`, :func:`constants` or :func:`code` of it.
    """
    found: dict[bytes, dict[str, None]] = {}
    for offset, size in merged(image, parts):
        at, end = offset, offset + size
        while at < end:
            start = max(offset, at - patterns.longest - RUN)
            stop = min(end, at + PIECE)
            data = image.read(start, min(end, stop + patterns.longest + RUN) - start, "a segment")
            for hit, literal in patterns.find(data, image.budget):
                runs = found.setdefault(literal, {})
                if at <= start + hit < stop and len(runs) < MAX_RUNS:
                    image.budget.step(8)
                    runs[_run(data, hit, hit + len(literal))] = None
            at = stop
    return {patterns.fragments[literal]: tuple(runs) for literal, runs in found.items() if runs}


def merged(image: ElfImage, parts: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """(offset, size) of the same bytes in file order, each byte once, however often segments or sections name it.

    Raises:
        LimitError: more than a file may have that is to be searched.
    """
    found: list[tuple[int, int]] = []
    for offset, size in sorted(parts):
        end = offset + size
        if found and offset <= found[-1][0] + found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][0] + found[-1][1], end) - found[-1][0])
        else:
            found.append((offset, size))
    if sum(min(size, max(0, image.size - offset)) for offset, size in found) > MAX_SCANNED:
        raise image.too_much(f"more than {MAX_SCANNED} bytes to be searched")
    return found


def readable(image: ElfImage, but: int = 0) -> tuple[tuple[int, int], ...]:
    """(offset, size) of the parts of the file that can hold strings; not those that have a flag of ``but``.

    Linkers that keep code apart from read-only data leave no string in the code.
    """
    loads = [load for load in image.segments if load.type == PT_LOAD and load.filesz]
    but |= PF_X if any(load.flags & 7 == PF_R for load in loads) else 0
    return tuple((load.offset, load.filesz) for load in loads if not load.flags & but)


def constants(image: ElfImage) -> tuple[tuple[int, int], ...]:
    """Where compilers put string constants: not data that the program writes or relocates, nor the loader's tables.

    That halves the bytes of a Go program, whose C parts have theirs there like any C program.
    """
    return tuple(_without(readable(image, PF_W), _tables(image)))


def code(image: ElfImage) -> tuple[tuple[int, int], ...]:
    """Machine code: optimisers write a literal of up to eight bytes into the instruction that stores it."""
    return tuple((load.offset, load.filesz) for load in image.segments if load.type == PT_LOAD and load.flags & PF_X)


def _tables(image: ElfImage) -> Iterator[tuple[int, int]]:
    """(offset, size) of the largest of the loader's tables: names of symbols, and relocations."""
    tags = dict(image.dynamic() or ())
    for start, length in _TABLES:
        if start in tags and length in tags:
            yield image.offset(tags[start], "a table of the loader")[0], tags[length]


def _without(parts: Iterable[tuple[int, int]], holes: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The parts with the holes cut out."""
    ordered = sorted(holes)
    for offset, size in parts:
        at, end = offset, offset + size
        for hole, length in ordered:
            if at < hole < end:
                yield at, hole - at
            if at < hole + length and hole < end:
                at = max(at, hole + length)
        if at < end:
            yield at, end - at


_PRINTABLE = bytes(range(0x20, 0x7F))
_PRINTABLE_END = pattern(rb"[^\x20-\x7e]")


def _run(data: bytes, start: int, end: int) -> str:
    before = data[max(0, start - RUN) : start]
    cut = len(before.rstrip(_PRINTABLE))
    after = _PRINTABLE_END.search(data, end, end + RUN)
    stop = after.start() if after else min(end + RUN, len(data))
    return (before[cut:] + data[start:stop]).decode("utf-8", "surrogateescape")


def _groups(literals: frozenset[bytes]) -> Iterator[tuple[bytes, tuple[bytes, ...]]]:
    """Cover all literals with few shared bytes: each time the byte that most of the rest have, rare ones first."""
    left = set(literals)
    while left:
        counts: dict[int, int] = {}
        for literal in left:
            for byte in set(literal):
                counts[byte] = counts.get(byte, 0) + 1
        best = max(counts, key=lambda byte: (counts[byte] / (3 if byte in _COMMON else 1), -byte))
        group = tuple(sorted(literal for literal in left if best in literal))
        yield bytes([best]), group
        left.difference_update(group)


def _pattern(pivot: bytes, group: tuple[bytes, ...]) -> tuple[re.Pattern[bytes], bytes, tuple[bytes, ...]]:
    ahead, behind = dict[bytes, None](), dict[bytes, None]()
    for literal in group:
        head, _, tail = literal.partition(pivot)
        if len(tail) >= ENOUGH or not head:
            ahead[re.escape(tail[:NEAR])] = None
        else:
            behind[b"(?<=" + re.escape(head[-NEAR:] + pivot) + b")"] = None
    around = [*([b"(?=" + b"|".join(ahead) + b")"] if ahead else ()), *behind]
    return re.compile(re.escape(pivot) + b"(?:" + b"|".join(around) + b")"), pivot, group
