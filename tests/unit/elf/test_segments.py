"""Tables that lie across two segments, which adjoin in memory: the loader sees no seam, and neither does the reader (S2, S3)."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import pytest

from scratchpack.elf.evidence import Elf
from scratchpack.elf.image import PT_LOAD, ElfImage
from scratchpack.elf.reader import read_elf
from scratchpack.errors import ElfError
from tests.support import tools
from tests.support.build import HELLO_C, cc, run, shared
from tests.unit.elf.forge import BASE, LOAD, NEEDED, facts, forge

if TYPE_CHECKING:
    from pathlib import Path

NAMES = tuple(b"library-number-%03d.so" % number for number in range(300))


def split(data: bytes, at: int) -> bytes:
    """The one LOAD segment as two that adjoin, parted ``at`` bytes into the file (a multiple of a page)."""
    out = bytearray(data)
    struct.pack_into("<QQ", out, 64 + 32, at, at)
    spare = 64 + 56  # a header of no segment, kept free by the caller
    assert struct.unpack_from("<I", out, spare) == (0,)
    struct.pack_into("<IIQQQQQQ", out, spare, LOAD, 5, at, BASE + at, BASE + at, len(out) - at, len(out) - at, 4096)
    return bytes(out)


def spare(data: bytes) -> bytes:
    """The file with the LOAD segment first and an unused program header behind it."""
    rows = data[64 : 64 + 112]
    return data[:64] + rows[56:] + rows[:56] + data[64 + 112 :]


@pytest.fixture
def whole() -> bytes:
    return spare(forge(tuple((NEEDED, name) for name in NAMES), extra=((0, 0, 0, 0),)))


@pytest.mark.parametrize("at", [4096, 8192])
def test_names_on_both_sides_of_a_seam_are_read(whole: bytes, at: int) -> None:
    expected = tuple(name.decode() for name in NAMES)
    assert facts(whole).needed == expected
    assert facts(split(whole, at)).needed == expected


def test_a_name_on_the_seam_itself_is_read(whole: bytes) -> None:
    found = ElfImage(io.BytesIO(split(whole, 4096)), "x")
    assert found.at(BASE + 4090, 12, "x") == whole[4090:4102]
    assert found.string(BASE + 4090, "x") == whole[4090 : whole.index(b"\0", 4090)]


def test_segments_that_adjoin_in_memory_and_not_in_the_file_are_read_in_pieces(whole: bytes) -> None:
    """The loader sees memory: where in the file the second half stands is nothing to it."""
    out = bytearray(split(whole, 4096))
    out += bytes(-len(out) % 4096) + out[4096:]
    struct.pack_into("<Q", out, 64 + 56 + 8, len(out) - (len(whole) - 4096))
    start = struct.unpack_from("<Q", out, 64 + 56 + 8)[0]
    assert start % 4096 == 0
    out[4096 : len(whole)] = bytes(len(whole) - 4096)  # nothing may come from the old place
    assert ElfImage(io.BytesIO(bytes(out)), "x").at(BASE + 4090, 12, "x") == whole[4090:4102]


def test_a_gap_between_two_segments_is_still_an_error(whole: bytes) -> None:
    out = bytearray(split(whole, 4096))
    struct.pack_into("<Q", out, 64 + 56 + 16, BASE + 3 * 4096)  # p_vaddr
    with pytest.raises(ElfError):
        facts(bytes(out))


def test_a_string_table_that_patchelf_made_across_two_segments_is_read(tmp_path: Path) -> None:
    """What patchelf writes is valid, however long it grows: its new segment adjoins the one before."""
    patchelf = tools.need("patchelf", package="patchelf")
    path = cc(tmp_path / "a", HELLO_C)
    words = [word for number in range(400) for word in ("--add-needed", f"lib-that-is-added-{number:04d}.so.1")]
    for at in range(0, len(words), 200):
        run([patchelf, *words[at : at + 200], path])
    run([patchelf, "--set-rpath", ":".join(f"/opt/{number}" for number in range(300)), path])
    with path.open("rb") as stream:
        found = read_elf(stream, origin="a")
    assert {f"lib-that-is-added-{number:04d}.so.1" for number in range(400)} <= {*found.needed}
    assert (found.runpath or found.rpath or "").endswith("/opt/299")


def test_symbols_of_a_library_cut_at_every_page_are_the_same(tmp_path: Path) -> None:
    source = "".join(f"int function_number_{number}(void) {{ return {number}; }}\n" for number in range(900))
    data = shared(tmp_path / "libx.so", source, "-nostdlib", "-Wl,-z,noseparate-code").read_bytes()
    expected = Elf(lambda: io.BytesIO(data), read_elf(io.BytesIO(data), origin="x")).exports()
    assert len(expected) == 900
    image = ElfImage(io.BytesIO(data), "x")
    [number, first] = next((n, s) for n, s in enumerate(image.segments) if s.type == PT_LOAD)
    last = len(image.segments) - 1  # GNU_STACK or RELRO, which nothing here reads
    for at in range(4096, first.filesz - first.filesz % 4096 + 1, 4096):
        out = bytearray(data)
        row = 64 + 56 * number
        struct.pack_into("<QQ", out, row + 32, at, at)
        struct.pack_into("<IIQQQQQQ", out, 64 + 56 * last, PT_LOAD, first.flags, first.offset + at, first.vaddr + at, 0, first.filesz - at, first.memsz - at, 4096)  # fmt: skip
        cut = bytes(out)
        assert Elf(lambda: io.BytesIO(cut), read_elf(io.BytesIO(cut), origin="x")).exports() == expected  # noqa: B023
