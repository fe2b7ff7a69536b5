"""Programs and roots that ask for far too much, each item of them within its own cap (S4, S23): what one budget is for.

``PROGRAMS`` has a maker for each: it is given a fresh root directory with this machine's glibc in it, and returns the
path of the program. Nothing in them is ever started.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import zlib
from typing import TYPE_CHECKING

from scratchpack.elf.dlopen import NOTE_DLOPEN
from scratchpack.loader.cache import CacheEntry, write_cache
from tests.unit.elf.forge import AUDIT, AUXILIARY, BASE, FILTER, LOAD, NEEDED, NOTE, RPATH, STRTAB, forge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SYMTAB, HASH, GNU_HASH, STRSZ, VERNEED = 6, 4, 0x6FFFFEF5, 10, 0x6FFFFFFE
LOADER = "/lib64/ld-linux-x86-64.so.2"
INTERP = LOADER.encode() + b"\0"
MUSL = "/lib/ld-musl-x86_64.so.1"
Tags = tuple[tuple[int, int | bytes], ...]


def glibc_root(directory: Path) -> Path:
    """A root with a loader and a C library, and nothing else."""
    for name in (LOADER, "/lib/x86_64-linux-gnu/libc.so.6"):
        there = directory / name.lstrip("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(os.path.realpath(name), there)
        there.chmod(0o755)
    return directory


def grown(data: bytes, more: bytes, *, at: int = 0) -> bytes:
    """The file with bytes behind it that its LOAD segment (the number ``at``) maps too; they start at a multiple of 16."""
    out = bytearray(data + bytes(-len(data) % 16) + more)
    struct.pack_into("<QQ", out, 64 + 56 * at + 32, len(out), len(out))
    return bytes(out)


def tail(data: bytes) -> int:
    """The address of what :func:`grown` puts behind a file."""
    return BASE + len(data) + -len(data) % 16


def program(root: Path, data: bytes) -> Path:
    path = root / "program"
    path.write_bytes(data)
    path.chmod(0o755)
    return path


def with_symbols(records: bytes, count: int, strings: bytes) -> bytes:
    """A program with these symbol records and this string table behind it."""
    size = len(forge(((SYMTAB, 0), (HASH, 0), (STRTAB, 0), (STRSZ, 0)), interp=INTERP))
    start = BASE + size + -size % 16
    at = (start, start + len(records), start + len(records) + 16)
    tags: Tags = ((SYMTAB, at[0]), (HASH, at[1]), (STRTAB, at[2]), (STRSZ, len(strings)))
    return grown(forge(tags, interp=INTERP), records + struct.pack("<4I", 1, count, 0, 0) + strings)


def symbol(name: int, section: int = 0) -> bytes:
    return struct.pack("<IBBHQQ", name, 0x12, 0, section, 0, 0)


def a_million_symbols_of_one_name(root: Path) -> Path:
    count = (1 << 20) - 1
    return program(root, with_symbols(symbol(1) * count, count, b"\0" + b"x" * 4000 + b"\0"))


def symbols_that_each_start_inside_a_long_name(root: Path) -> Path:
    count = 500_000
    records = b"".join(symbol(1 + 32 * number) for number in range(count))
    return program(root, with_symbols(records, count, b"\0" + (b"x" * 4000 + b"\0") * 4096))


def a_hash_table_that_lies(root: Path) -> Path:
    size = len(forge(((SYMTAB, 0), (GNU_HASH, 0)), interp=INTERP))
    start = BASE + size + -size % 16
    table = struct.pack("<4I", 1 << 20, 1, 0, 0) + struct.pack("<I", 2) * (1 << 20) + bytes(4 << 20)
    return program(root, grown(forge(((SYMTAB, start), (GNU_HASH, start)), interp=INTERP), table))


def many_segments_and_version_records(root: Path) -> Path:
    extra = tuple((LOAD, 0, 0x10000000 + 0x2000 * number, 64) for number in range(1150))
    rows = b"".join(struct.pack("<HHIII", 1, 1, 1, 16, 16) for at in range(40_000))
    data = forge(((VERNEED, 0), (NEEDED, b"a")), interp=INTERP, extra=extra)
    data = forge(((VERNEED, tail(data)), (NEEDED, b"a")), interp=INTERP, extra=extra)
    return program(root, grown(data, rows, at=1150))


def overlapping_segments(root: Path) -> Path:
    size = 24 << 20
    extra = tuple((LOAD, 0, 0x10000000 + 0x10000000 * number, size) for number in range(1000))
    data = forge(((NEEDED, b"libc.so.6"),), interp=INTERP, extra=extra)
    return program(root, data + b"/etc/ssl/ " * ((size - len(data)) // 10) + bytes(4096))


def a_sparse_file_of_512_gibibytes(root: Path) -> Path:
    size = 512 << 30
    path = program(root, grown(forge(((NEEDED, b"libc.so.6"),), interp=INTERP), b""))
    with path.open("r+b") as stream:
        stream.truncate(size)
        stream.seek(64 + 32)
        stream.write(struct.pack("<QQ", size, size))
    return path


def with_sections(data: bytes, rows: list[tuple[int, int, int]], names: bytes) -> bytes:
    """A section header table behind the file: (offset of the name, file offset, size) each, the names in the last."""
    out = bytearray(data + bytes(-len(data) % 16))
    names_at = len(out)
    out += names + bytes(-len(names) % 16)
    struct.pack_into("<Q", out, 0x28, len(out))
    struct.pack_into("<HHH", out, 0x3A, 64, 0, 0xFFFF)
    count = len(rows) + 2
    out += struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, count, count - 1, 0, 0, 0)
    for name, offset, size in (*rows, (0, names_at, len(names))):
        out += struct.pack("<IIQQQQIIQQ", name, 1, 0, 0, offset, size, 0, 0, 0, 0)
    return bytes(out)


def sections_of_go_build_information(root: Path) -> Path:
    data = grown(forge(((NEEDED, b"libc.so.6"),), interp=INTERP), b"\xff Go buildinf: " * 200_000)
    rows = [(1, 16 * number, 1 << 20) for number in range(64_000)]
    return program(root, with_sections(data, rows, b"\0.go.buildinfo\0"))


def sections_whose_names_are_parts_of_one(root: Path) -> Path:
    names = b"\0" + (b"n" * 4000 + b"\0") * 1000
    rows = [(1 + 61 * number, 64, 64) for number in range(64_000)]
    return program(root, with_sections(forge(((NEEDED, b"libc.so.6"),), interp=INTERP), rows, names))


def go_function_tables_that_lie(root: Path) -> Path:
    head = struct.pack("<IHBB9Q", 0xFFFFFFF1, 0, 1, 8, 5, 5, 0, 72, 80, 0, 0, 0, 0)
    data = grown(forge(((NEEDED, b"libc.so.6"),), interp=INTERP), head * 400_000)
    rows = [(1, len(data) - 80 * number, 80) for number in range(1, 60_000)]
    return program(root, with_sections(data, rows, b"\0.gopclntab\0"))


def note(kind: int, desc: bytes, owner: bytes = b"FDO\0") -> bytes:
    return struct.pack("<III", len(owner), len(desc), kind) + owner + desc + bytes(-len(desc) % 4)


def segments_over_one_note(root: Path) -> Path:
    notes = note(1, bytes((1 << 20) - 64))
    data = forge((), interp=INTERP, notes=notes)
    at = len(data) - len(notes)
    extra = tuple((NOTE, at + 56 * 1000, BASE, len(notes)) for number in range(1000))
    return program(root, forge((), interp=INTERP, notes=notes, extra=extra))


def segments_over_parts_of_one_note(root: Path) -> Path:
    row = note(1, bytes(16))
    notes = row * ((1 << 20) // len(row))
    at = len(forge((), interp=INTERP, notes=notes)) - len(notes)
    extra = tuple((NOTE, at + 56 * 1000 + len(row) * number, BASE, len(notes)) for number in range(1000))
    return program(root, forge((), interp=INTERP, notes=notes, extra=extra))


def dlopen_notes_of_many_names(root: Path) -> Path:
    names = [json.dumps([{"soname": [f"l{number}_{at}" for at in range(60)]} for number in range(50 * more, 50 * more + 50)]) for more in range(100)]  # fmt: skip
    return program(root, forge((), interp=INTERP, notes=b"".join(note(NOTE_DLOPEN, name.encode()) for name in names)))


def an_interpreter_of_slashes(root: Path) -> Path:
    return program(root, forge((), interp=b"/" * (1 << 20) + b"\0"))


def an_interpreter_of_as_many_slashes_as_may_be(root: Path) -> Path:
    return program(root, forge((), interp=b"/" * 4094 + b"x\0"))


def needed_names_with_a_slash(root: Path) -> Path:
    return program(root, forge(tuple((NEEDED, b"$ORIGIN/x%d" % number) for number in range(8000)), interp=INTERP))


def needed_names_times_directories(root: Path) -> Path:
    rpath = b":".join(b"/%03d" % number for number in range(800))
    return program(root, forge((*((NEEDED, b"l%d" % n) for n in range(2000)), (RPATH, rpath)), interp=INTERP))


def a_list_of_auditors(root: Path) -> Path:
    shutil.copyfile(root / "lib/x86_64-linux-gnu/libc.so.6", root / "a")
    return program(root, forge(((AUDIT, b":".join([b"/a"] * 1300)),), interp=INTERP))


def filters_that_reorder_all(root: Path) -> Path:
    (root / "usr/lib").mkdir(parents=True)
    for number in range(200):
        (root / f"usr/lib/l{number}").write_bytes(forge(()))
    names = [b"l%d" % number for number in range(200)]
    tags = tuple((FILTER if n % 2 else AUXILIARY, name) for n, name in enumerate([*names, *reversed(names)] * 8))
    return program(root, forge((*((NEEDED, name) for name in names), *tags), interp=INTERP))


def text_that_is_one_hit_after_the_other(root: Path) -> Path:
    data = forge(((NEEDED, b"libc.so.6"),), interp=INTERP)
    return program(root, grown(data, b"/etc/ssl/certs\0/usr/share/zoneinfo\0lib.so\0" * 500_000))


def a_preload_file_of_many_names(root: Path) -> Path:
    (root / "etc").mkdir()
    (root / "etc/ld.so.preload").write_text(" ".join(f"{n:x}" for n in range(180_000)))
    return program(root, forge(((NEEDED, b"libc.so.6"),), interp=INTERP))


def a_cache_of_sixty_megabytes(root: Path) -> Path:
    entries = write_cache([CacheEntry("libz.so.1", "/x/libz.so.1", 0x303)], "little")
    row, strings = entries[48:72], entries[72:]
    count = (60 << 20) // 24
    _, key, value, _, hwcap = struct.unpack("<iIIIQ", row)
    moved = struct.pack("<iIIIQ", 0x001, key + 24 * (count - 1), value + 24 * (count - 1), 0, hwcap)
    head = bytearray(entries[:48])
    struct.pack_into("<I", head, 20, count)
    (root / "etc").mkdir()
    (root / "etc/ld.so.cache").write_bytes(bytes(head) + moved * count + strings)
    return program(root, forge(((NEEDED, b"libz.so.1"), (NEEDED, b"libc.so.6")), interp=INTERP))


def a_cache_of_long_names(root: Path) -> Path:
    (root / "etc").mkdir()
    entries = [CacheEntry("l" * 4000 + str(n), "/x", 0x303) for n in range(2000)]
    (root / "etc/ld.so.cache").write_bytes(write_cache(entries, "little"))
    names = tuple((NEEDED, b"l" * 4000 + b"%d" % (n + 5000)) for n in range(2000))
    return program(root, forge(names, interp=INTERP))


def a_loader_of_slashes(root: Path) -> Path:
    loader = root / LOADER.lstrip("/")
    loader.write_bytes(loader.read_bytes() + b"/" * (3 << 20) + b"\0" + b"/lib/\0" * 500_000)
    return program(root, forge(((NEEDED, b"libc.so.6"),), interp=INTERP))


def crates_that_inflate(root: Path) -> Path:
    content = zlib.compress(b'{"packages":[' + b"[]," * (2 << 20) + b"0]}", 9)
    data = forge(((NEEDED, b"libc.so.6"),), interp=INTERP) + bytes(64)
    rows = [(1, len(data) + -len(data) % 16, len(content))]
    return program(root, with_sections(data + bytes(-len(data) % 16) + content, rows, b"\0.dep-v0\0"))


def a_thousand_libraries_each_full_of_versions(root: Path) -> Path:
    (root / "usr/lib").mkdir(parents=True)
    rows = b"".join(
        struct.pack("<HHIII", 1, 1, 1, 16, 32) + struct.pack("<IHHII", 0, 0, 0, 1, 0) for _ in range(16_000)
    )
    data = forge(((VERNEED, 0), (NEEDED, b"a")))
    library = grown(
        forge(((VERNEED, tail(data)), (NEEDED, b"a"))), rows[:-32] + struct.pack("<HHIII", 1, 1, 1, 16, 0) + rows[16:32]
    )
    for number in range(300):
        (root / f"usr/lib/l{number}").write_bytes(library)
    return program(root, forge(tuple((NEEDED, b"l%d" % n) for n in range(300)), interp=INTERP))


PROGRAMS: dict[str, Callable[[Path], Path]] = {
    maker.__name__: maker
    for maker in (
        a_million_symbols_of_one_name, symbols_that_each_start_inside_a_long_name, a_hash_table_that_lies,
        many_segments_and_version_records, overlapping_segments, a_sparse_file_of_512_gibibytes,
        sections_of_go_build_information, sections_whose_names_are_parts_of_one, go_function_tables_that_lie,
        segments_over_one_note, segments_over_parts_of_one_note, dlopen_notes_of_many_names, an_interpreter_of_slashes,
        an_interpreter_of_as_many_slashes_as_may_be, needed_names_with_a_slash, needed_names_times_directories,
        a_list_of_auditors, filters_that_reorder_all, text_that_is_one_hit_after_the_other, a_preload_file_of_many_names,
        a_cache_of_sixty_megabytes, a_cache_of_long_names, a_loader_of_slashes, crates_that_inflate,
        a_thousand_libraries_each_full_of_versions,
    )
}  # fmt: skip
