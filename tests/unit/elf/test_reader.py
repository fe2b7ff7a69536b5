"""S2, S3: facts come from program headers, in every width and byte order, and what does not hold together is an error."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from scratchpack.elf.image import PT_LOAD, ElfImage
from scratchpack.elf.machines import oci_platform
from scratchpack.elf.model import ElfFacts, Linkage, LoadRequest
from scratchpack.elf.reader import read_elf, read_header
from scratchpack.errors import ElfError, InputError
from tests.support.build import HELLO_C, cc, run, shared, zig
from tests.unit.elf.forge import (
    AUDIT,
    AUXILIARY,
    BASE,
    DEPAUDIT,
    DYNAMIC,
    FILTER,
    FLAGS_1,
    INTERP,
    LOAD,
    NEEDED,
    RPATH,
    RUNPATH,
    SONAME,
    STRTAB,
    facts,
    forge,
)  # fmt: skip

WIDTHS = [(64, "little", 62), (32, "little", 3), (64, "big", 22), (32, "big", 8)]
MACHINES = [  # (zig target, name, bits, byte order)
    ("x86_64-linux-gnu", "x86_64", 64, "little"),
    ("x86-linux-gnu", "i386", 32, "little"),
    ("x86_64-linux-gnux32", "x32", 32, "little"),
    ("aarch64-linux-gnu", "aarch64", 64, "little"),
    ("arm-linux-gnueabihf", "armhf", 32, "little"),
    ("arm-linux-gnueabi", "armel", 32, "little"),
    ("riscv64-linux-gnu", "riscv64", 64, "little"),
    ("powerpc64le-linux-gnu", "ppc64le", 64, "little"),
    ("s390x-linux-gnu", "s390x", 64, "big"),
    ("mips-linux-gnueabihf", "mips", 32, "big"),
    ("mipsel-linux-gnueabihf", "mipsel", 32, "little"),
    ("mips64-linux-gnuabi64", "mips64", 64, "big"),
    ("mips64el-linux-gnuabi64", "mips64el", 64, "little"),
    ("loongarch64-linux-gnu", "loongarch64", 64, "little"),
]


def of(path: Path) -> ElfFacts:
    with path.open("rb") as stream:
        return read_elf(stream, origin="file")


@pytest.mark.parametrize(("bits", "order", "machine"), WIDTHS)
def test_every_width_and_byte_order_reads_the_same(bits: int, order: str, machine: int) -> None:
    tags = (
        (NEEDED, b"libb.so.1"), (AUXILIARY, b"liba.so"), (NEEDED, b"libc.so.6"), (FILTER, b"libf.so"),
        (SONAME, b"libx.so"), (RPATH, b"$ORIGIN/r"), (RUNPATH, b"$ORIGIN"), (AUDIT, b"a.so"), (DEPAUDIT, b"d.so"),
        (FLAGS_1, 0x800),
    )  # fmt: skip
    found = facts(forge(tags, bits=bits, order=order, machine=machine, interp=b"/lib/ld.so.1\0"))
    assert (found.bits, found.byte_order, found.e_machine) == (bits, order, machine)
    assert found.interpreter == "/lib/ld.so.1"
    assert found.requests == (
        LoadRequest("needed", "libb.so.1"),
        LoadRequest("auxiliary", "liba.so"),
        LoadRequest("needed", "libc.so.6"),
        LoadRequest("filter", "libf.so"),
    )
    assert (found.soname, found.rpath, found.runpath) == ("libx.so", "$ORIGIN/r", "$ORIGIN")
    assert (found.audit, found.depaudit, found.flags_1) == ("a.so", "d.so", 0x800)


@pytest.mark.parametrize(("target", "machine", "bits", "order"), MACHINES, ids=[row[1] for row in MACHINES])
def test_a_library_of_each_machine_reads_right(
    tmp_path: Path, target: str, machine: str, bits: int, order: str
) -> None:
    path = zig(
        tmp_path / "libx.so.1", "int x(void) { return 1; }\n", target,
        "-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libx.so.1", "-Wl,-rpath,/r",
    )  # fmt: skip
    found = of(path)
    assert (found.machine, found.bits, found.byte_order) == (machine, bits, order)
    assert (found.linkage, found.soname) == (Linkage.SHARED_OBJECT, "libx.so.1")
    assert found.runpath == "/r"
    assert oci_platform(machine).os == "linux"


def test_section_headers_are_not_needed(tmp_path: Path) -> None:
    path = cc(tmp_path / "a", HELLO_C)
    before = of(path)
    data = bytearray(path.read_bytes())
    for offset, size in ((0x28, 8), (0x3C, 4)):  # e_shoff; e_shnum and e_shstrndx
        data[offset : offset + size] = bytes(size)
    assert facts(bytes(data)) == _as(before, "forged", len(data))
    data[0x28:0x30] = b"\xff" * 8  # a lie instead
    data[0x3C:0x40] = b"\xff" * 4
    assert facts(bytes(data)) == _as(before, "forged", len(data))


def test_the_version_needs_and_definitions_of_libc_are_read() -> None:
    found = of(Path("/lib/x86_64-linux-gnu/libc.so.6"))
    assert found.version_defs[:2] == ("libc.so.6", "GLIBC_2.2.5")
    assert [need.file for need in found.version_needs] == ["ld-linux-x86-64.so.2"]
    assert "GLIBC_PRIVATE" in [version.name for version in found.version_needs[0].versions]
    assert found.has_verdef


def test_a_weak_version_need_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "v.map").write_text("V1 { global: strong; }; V2 { global: faint; };\n")
    shared(tmp_path / "libv.so", "int strong, faint;\n", f"-Wl,--version-script={tmp_path}/v.map")
    source = "extern int strong, faint; int main(void) { return strong + faint; }\n"
    path = cc(tmp_path / "a", source, str(tmp_path / "libv.so"))
    data = path.read_bytes()
    hash_of_v2 = struct.pack("<I", (ord("V") << 4) + ord("2"))
    assert data.count(hash_of_v2 + b"\0\0") == 1
    found = facts(data.replace(hash_of_v2 + b"\0\0", hash_of_v2 + b"\2\0"))  # vna_flags: VER_FLG_WEAK
    [need] = [need for need in found.version_needs if need.file == "libv.so"]
    assert {version.name: version.weak for version in need.versions} == {"V1": False, "V2": True}


def test_the_first_interpreter_counts() -> None:
    """As in the kernel (R16)."""
    data = forge((), interp=b"/first\0")
    second = forge((), interp=b"/first\0", extra=((INTERP, len(data) + 56, 0, 8),)) + b"/zzzzzz\0"
    assert facts(second).interpreter == "/zzzzzz"


def test_the_dynamic_section_is_found_by_address_not_by_offset() -> None:
    data = bytearray(forge(((NEEDED, b"liba.so"),)))
    image = ElfImage(_open(data), "x")
    [at] = [64 + 56 * i for i, segment in enumerate(image.segments) if segment.type == DYNAMIC]
    struct.pack_into("<Q", data, at + 8, 0)  # p_offset: the loaders never look at it
    assert facts(bytes(data)).needed == ("liba.so",)


def test_a_later_segment_covers_an_earlier_one() -> None:
    """The loader maps whole pages in order: what it reads at an address is what was mapped there last."""
    first = forge(((NEEDED, b"liba.so"),), extra=((LOAD, 0, BASE, 0),))
    second = forge(((NEEDED, b"libb.so"),), extra=((LOAD, 0, BASE, 0),))
    data = bytearray(first + bytes(-len(first) % 4096) + second)
    struct.pack_into("<QQQQQ", data, 64 + 8, 0, BASE, BASE, len(first), len(first))
    struct.pack_into("<QQQQQ", data, 64 + 56 + 8, 4096, BASE, BASE, len(second), len(second))
    assert facts(bytes(data)).needed == ("libb.so",)


def test_a_name_that_is_not_utf8_round_trips() -> None:
    """S11."""
    assert facts(forge(((NEEDED, b"lib\xff.so"),))).needed == ("lib\udcff.so",)


@pytest.mark.parametrize("linkage", ["dynamic", "static", "library"])
def test_a_cut_file_is_an_error_or_loses_nothing(tmp_path: Path, linkage: str) -> None:
    """S3: at every length, never "static" and never fewer dependencies."""
    if linkage == "dynamic":
        path = cc(tmp_path / "a", HELLO_C, "-s")
    elif linkage == "static":
        path = cc(tmp_path / "a", HELLO_C, "-static", "-s")
    else:
        path = shared(tmp_path / "libx.so", "int x;\n", "-s")
    data = path.read_bytes()
    whole = facts(data)
    loads = [s for s in ElfImage(_open(data), "x").segments if s.type == PT_LOAD]
    end = max(s.offset + s.filesz for s in loads)
    needed_bytes = 0
    lengths = range(len(data)) if len(data) < 20_000 else [*range(2000), *range(2000, end - 1, 2003), end - 1, end]
    for length in lengths:
        try:
            found = facts(data[:length])
        except ElfError:
            needed_bytes = length + 1
        else:
            assert found == _as(whole, "forged", length)
    assert needed_bytes == end


BROKEN = {
    "no program headers": lambda d: d[:56] + b"\0\0" + d[58:],
    "program headers of another size": lambda d: d[:54] + b"\x20\0" + d[56:],
    "program headers past the end": lambda d: d[:32] + b"\xff" * 4 + d[36:],
    "class 3": lambda d: d[:4] + b"\3" + d[5:],
    "byte order 0": lambda d: d[:5] + b"\0" + d[6:],
    "version 0": lambda d: d[:6] + b"\0" + d[7:],
    "type 0": lambda d: d[:16] + b"\0\0" + d[18:],
    "type 5": lambda d: d[:16] + b"\5\0" + d[18:],
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_header_that_contradicts_the_file_is_an_error(how: str) -> None:
    with pytest.raises(ElfError, match="cannot read forged"):
        facts(BROKEN[how](forge(((NEEDED, b"liba.so"),), interp=b"/ld\0")))


INCONSISTENT = {
    "a string outside": forge(((NEEDED, 0x10000),)),
    "a string table outside": forge(((NEEDED, 1), (STRTAB, 0x1234))),
    "no string table": forge(((NEEDED, 1), (STRTAB, 0), (STRTAB, 0xFFFFFFFFFFFFFFFF))),
    "a dynamic section outside": forge((), extra=()).replace(struct.pack("<Q", BASE + 184), struct.pack("<Q", 1)),
    "an interpreter without an end": forge((), interp=b"/lib/ld.so"),
    "an empty interpreter": forge((), interp=b"\0"),
    "an interpreter of 5000 bytes": forge((), interp=b"/" + b"x" * 4998 + b"\0"),
    "version needs outside": forge(((0x6FFFFFFE, 0x77), (0x6FFFFFFF, 1))),
    "version definitions outside": forge(((0x6FFFFFFC, 0x77), (0x6FFFFFFD, 1))),
    "a segment past the end": forge((), extra=((LOAD, 0, 0x800000, 1 << 20),)),
    "a segment that cannot be mapped": forge((), extra=((LOAD, 1, 0x800000, 16),)),
}


@pytest.mark.parametrize("how", INCONSISTENT)
def test_what_does_not_hold_together_is_an_error(how: str) -> None:
    with pytest.raises(ElfError):
        facts(INCONSISTENT[how])


@pytest.mark.parametrize(("kind", "what"), [(1, "object file"), (4, "core file")])
def test_an_object_or_core_file_is_called_by_its_name(kind: int, what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        facts(forge((), kind=kind))
    assert caught.value.hint


def test_a_real_object_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="object file"):
        of(cc(tmp_path / "a.o", HELLO_C, "-c"))


def test_a_machine_that_no_image_can_name_is_refused_but_its_header_reads() -> None:
    data = forge((), machine=2)
    with pytest.raises(InputError, match="e_machine 2,"):
        facts(data)
    assert read_header(_open(data), origin="x").machine == 2


def test_what_the_loader_judges_itself_is_recorded_not_refused() -> None:
    """R11: glibc refuses these as candidates; the reader only says what stands there."""
    data = bytearray(forge((), interp=b"/ld\0"))
    data[7:12] = b"\x09\x01\x01\x00\x00"
    found = facts(bytes(data))
    assert (found.osabi, found.abi_version, found.ident_pad[:1]) == (9, 1, b"\1")


def test_a_packed_program_is_not_called_static() -> None:
    """S24: UPX leaves its mark behind the program headers."""
    data = forge(None, kind=2, entry=BASE)
    assert facts(data).linkage is Linkage.STATIC
    assert facts(data + b"\xa1\xd8\xd0\xd5UPX!" + bytes(32)).linkage is Linkage.COMPRESSED


def test_a_debug_file_has_no_dynamic_section(tmp_path: Path) -> None:
    shared(tmp_path / "libx.so", "int x;\n", "-g")
    run(["objcopy", "--only-keep-debug", tmp_path / "libx.so", tmp_path / "libx.debug"])
    assert not of(tmp_path / "libx.debug").has_dynamic


def _as(found: ElfFacts, origin: str, size: int) -> ElfFacts:
    return found._replace(origin=origin, size=size)


def _open(data: bytes | bytearray):  # type: ignore[no-untyped-def]  # noqa: ANN202
    import io

    return io.BytesIO(bytes(data))
