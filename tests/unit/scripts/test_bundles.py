"""N48: programs that unpack others, by their makers' marks; S4, S5: tables that lie end in typed errors."""

from __future__ import annotations

import io
import random
import struct
import zipapp as zipapps
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

from scratchpack.errors import InputError
from scratchpack.scripts.bundles.hint import may_carry
from scratchpack.scripts.bundles.marks import libtool_wrapper
from scratchpack.scripts.bundles.overlay import overlay
from scratchpack.scripts.bundles.pyinstaller import MAGIC
from scratchpack.scripts.bundles.reader import bundle, foreign_data
from scratchpack.scripts.text import ScriptError
from tests.support.build import HELLO_C, cc, shared

if TYPE_CHECKING:
    from pathlib import Path

    from scratchpack.scripts.bundles.model import Bundle


def archive(
    members: list[tuple[bytes, bytes]],
    *,
    length: int | None = None,
    table: bytes | None = None,
    option: bytes = b"",
    library: bytes = b"",
) -> bytes:
    """A PyInstaller archive with these shared objects, made by the documented format; PyInstaller itself is tried in the campaign."""
    body, rows = b"", b""
    for name, content in members:
        packed = zlib.compress(content)
        padded = name + b"\0" * (16 - (18 + len(name)) % 16)
        rows += struct.pack("!IIIIBc", 18 + len(padded), len(body), len(packed), len(content), 1, b"b") + padded
        body += packed
    if option:
        rows += struct.pack("!IIIIBc", 19 + len(option), 0, 0, 0, 0, b"o") + option + b"\0"
    rows = rows if table is None else table
    whole = len(body) + len(rows) + 88
    return body + rows + struct.pack("!8sIIII64s", MAGIC, length or whole, len(body), len(rows), 311, library)


def read(path: Path) -> Bundle | None:
    with path.open("rb") as stream:
        return bundle(stream, path.name)


def test_a_pyinstaller_program_tells_what_its_libraries_need_and_it_does_not_carry(tmp_path: Path) -> None:
    inner = shared(tmp_path / "libinner.so.1")
    outer = shared(tmp_path / "libouter.so.2")
    user = shared(tmp_path / "user.so", "int nothing2;\n", "-Wl,--no-as-needed", str(inner), str(outer))
    program = cc(tmp_path / "hello", HELLO_C)
    members = [(b"lib/user.so", user.read_bytes()), (b"libinner.so.1", inner.read_bytes())]
    program.write_bytes(program.read_bytes() + archive(members))
    found = read(program)
    assert found is not None
    assert (found.kind, found.unpacks, found.members) == ("PyInstaller", "/tmp", ("lib/user.so", "libinner.so.1"))
    assert found.needed == ("libouter.so.2", "libc.so.6")
    assert not found.warnings


@pytest.mark.parametrize(
    "data",
    [
        archive([], length=1 << 31),
        archive([], table=struct.pack("!IIIIBc", 0, 0, 0, 0, 0, b"b")),
        archive([], table=struct.pack("!IIIIBc", 18, 1 << 30, 1 << 30, 0, 0, b"b")),
        archive([], table=struct.pack("!IIIIBc", 1 << 30, 0, 0, 0, 0, b"b")),
        archive([], table=b"\0\0"),
    ],
)
def test_a_pyinstaller_table_that_lies_is_a_typed_error(tmp_path: Path, data: bytes) -> None:
    program = tmp_path / "liar"
    program.write_bytes(b"\x7fELF" + b"\0" * 200 + data)
    with pytest.raises(ScriptError, match="PyInstaller"):
        read(program)


def test_a_member_that_unpacks_to_more_than_its_table_says_is_a_warning(tmp_path: Path) -> None:
    bomb = zlib.compress(b"\0" * (20 << 20), 1)
    row = struct.pack("!IIIIBc", 34, 0, len(bomb), 4096, 1, b"b") + b"lib.so" + b"\0" * 10
    data = bomb + row + struct.pack("!8sIIII64s", MAGIC, len(bomb) + len(row) + 88, len(bomb), len(row), 311, b"")
    program = tmp_path / "bomb"
    program.write_bytes(b"\x7fELF" + b"\0" * 200 + data)
    found = read(program)
    assert found is not None
    assert found.warnings == ("bomb: lib.so does not unpack to the size that its table gives",)


def test_a_zipapp_is_known_by_its_archive_and_what_its_extension_modules_need(tmp_path: Path) -> None:
    source = tmp_path / "app"
    source.mkdir()
    (source / "__main__.py").write_text("print('hi')\n")
    shared(source / "fast.so", "int nothing3;\n", "-Wl,--no-as-needed")
    zipapps.create_archive(source, tmp_path / "app.pyz", "/usr/bin/env python3")
    found = read(tmp_path / "app.pyz")
    assert found is not None
    assert (found.kind, found.members, found.needed) == ("zipapp", ("fast.so",), ("libc.so.6",))


@pytest.mark.parametrize(
    ("names", "kind"),
    [(("environment.json", "_bootstrap/__init__.py", "__main__.py"), "shiv"), (("PEX-INFO", "__main__.py"), "pex")],
)
def test_shiv_and_pex_are_told_from_a_plain_zipapp_and_unpack_below_home(
    tmp_path: Path, names: tuple[str, ...], kind: str
) -> None:
    path = tmp_path / "app"
    path.write_bytes(b"#!/usr/bin/python3\n")
    with zipfile.ZipFile(path, "a") as file:
        for name in names:
            file.writestr(name, "")
    found = read(path)
    assert found is not None
    assert (found.kind, found.unpacks) == (kind, "HOME")


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(b"#!/usr/bin/python3\n")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("bomb.so", b"\0" * (65 << 20))
    found = read(path)
    assert found is not None
    assert "was not looked into" in found.warnings[0]


def test_a_zip_archive_that_lies_about_its_directory_is_a_typed_error(tmp_path: Path) -> None:
    path = tmp_path / "liar"
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 60_000, 60_000, 1 << 30, 0, 0)
    path.write_bytes(b"#!/usr/bin/python3\n" + end)
    with pytest.raises(ScriptError, match="over the limit"):
        read(path)
    path.write_bytes(b"#!/usr/bin/python3\n" + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 10, 0, 0))
    with pytest.raises(ScriptError, match="damaged"):
        read(path)


@pytest.mark.parametrize(
    ("option", "library", "beside"),
    [
        (b"pyi-contents-directory _internal", b"libpython3.11.so.1.0", "_internal/libpython3.11.so.1.0"),
        (b"", b"libpython3.11.so.1.0", "libpython3.11.so.1.0"),  # before 6.0
        (b"pyi-contents-directory ../up", b"libpython3.11.so", "libpython3.11.so"),  # leads elsewhere: none
        (b"pyi-contents-directory _internal", b"held.so", ""),  # one file: the archive holds Python itself
    ],
)
def test_an_archive_without_python_belongs_to_a_folder(
    tmp_path: Path, option: bytes, library: bytes, beside: str
) -> None:
    (tmp_path / "app").write_bytes(b"\x7fELF" + archive([(b"held.so", b"x")], option=option, library=library))
    found = read(tmp_path / "app")
    assert found is not None
    assert (found.beside, found.unpacks) == (beside, "" if beside else "/tmp")


_DOTNET = bytes.fromhex("8b1202b96a612038727b930214d7a03213f5b9e6efae3318ee3b2dce24b36aae")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x7fELF\2\1\1\0AI\x02" + b"\0" * 60, "AppImage type 2"),
        (b"\x7fELF" + b"\0" * 100 + b"\nPAR.pm\n", "PAR"),
        (b"\x7fELF" + b"\0" * 100 + b"\n---- Bun! ----\n", "bun"),
        (b"#!/bin/sh\n# This script was generated using Makeself 2.4.5\n", "makeself"),
        # twins that carry nothing
        (b"\x7fELF" + b"\0" * 100 + b"NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:0", None),
        (b"#!/bin/sh\necho Makeself\n", None),
    ],
)
def test_other_makers_are_known_by_their_marks(tmp_path: Path, data: bytes, kind: str | None) -> None:
    (tmp_path / "program").write_bytes(data)
    found = read(tmp_path / "program")
    assert (found.kind if found else None) == kind


_NOTE = """
__attribute__((section(".note.blob"), used, aligned(4))) static const struct { unsigned a, b, c; char name[16]; } note = {14, 4, 0, "%s"};
"""

DOTNET_HOST = f"volatile unsigned char own[] __attribute__((aligned(8))) = {{64, 0, 0, 0, 0, 0, 0, 0, {', '.join(map(str, _DOTNET))}}};"
NODE_HOST = _NOTE % "NODE_SEA_BLOB"
BUN_HOST = 'volatile char own[] = "\\n---- Bun! ----\\n";'


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        # (the offset of the bundle, then the signature) among a program's variables
        (DOTNET_HOST, ".NET"),
        (NODE_HOST, "Node single executable"),
        (BUN_HOST, "bun"),
        # a host without a bundle, one whose bundle lies outside of the file, and another's note
        (f"volatile unsigned char own[] __attribute__((aligned(8))) = {{0, 0, 0, 0, 0, 0, 0, 0, {', '.join(map(str, _DOTNET))}}};", None),
        (f"volatile unsigned char own[] __attribute__((aligned(8))) = {{0, 0, 0, 0, 9, 0, 0, 0, {', '.join(map(str, _DOTNET))}}};", None),
        (_NOTE % "NODE_SEA_BOAT", None),
        ('const char *own = "\\n---- Bun! ----\\n";', None),  # a constant: the runtime without a program
    ],
)  # fmt: skip
def test_marks_within_a_program_are_found_where_its_headers_say(tmp_path: Path, source: str, kind: str | None) -> None:
    program = cc(tmp_path / "program", source + "\n" + HELLO_C)
    found = read(program)
    assert (found.kind if found else None) == kind
    with program.open("rb") as stream:
        assert may_carry(stream, "program") or kind in {".NET", None}, "a bundle of .NET follows the ELF file"
    with program.open("ab") as stream:
        stream.write(b"x" * 8192)
    with program.open("rb") as stream:
        assert may_carry(stream, "program")


def test_foreign_data_behind_an_elf_file_is_said_with_its_size(tmp_path: Path) -> None:
    program = cc(tmp_path / "hello", HELLO_C)
    size = program.stat().st_size
    with program.open("rb") as stream:
        assert overlay(stream, "hello") is None, "a compiler's own output ends where its headers say"
    program.write_bytes(program.read_bytes() + b"x" * 100_000)
    with program.open("rb") as stream:
        said = foreign_data(stream, "hello")
    assert said is not None
    assert said.startswith(f"hello: 100000 bytes follow the end of its ELF data at byte {size}")


def test_a_libtool_wrapper_names_the_program_it_starts() -> None:
    text = b"#! /bin/bash\n\n# hello - temporary wrapper script for .libs/hello\n# Generated by libtool (GNU libtool) 2.4.7\n"
    assert libtool_wrapper(text) == ".libs/hello"
    assert libtool_wrapper(text.replace(b"libtool", b"others")) is None
    assert libtool_wrapper(b"#!/bin/sh\necho .libs/hello\n") is None


def test_a_file_that_is_neither_ends_without_an_answer() -> None:
    assert bundle(io.BytesIO(b"\x7fELF"), "short") is None
    with pytest.raises(InputError):
        overlay(io.BytesIO(b"\x7fELF"), "short")


def _packed(method: int) -> bytes:
    out = io.BytesIO()
    out.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(out, "a", method) as held:
        held.writestr("__main__.py", "import x")
        held.writestr("x/a.so", bytes(range(256)) * 40)
    return out.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_no_damage_to_a_zip_archive_raises_what_is_not_documented(method: int) -> None:
    """S5: each of Python's four unpackers has exceptions of its own, and so have encrypted members and empty names."""
    whole = _packed(method)
    assert bundle(io.BytesIO(whole), "x") is not None
    chance = random.Random(method)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 2, 3))):
            at = chance.choice((chance.randrange(len(data)), len(data) - 1 - chance.randrange(250)))
            data[at] = chance.choice((0, 1, 0x80, 0xFF, chance.randrange(256)))
        try:
            bundle(io.BytesIO(bytes(data)), "x")
        except InputError as error:
            assert error.message.startswith("cannot read x")  # noqa: PT017 - most are fine
