"""N48: a program that unpacks itself is never packed without a word about it."""

from __future__ import annotations

import shlex
import struct
from typing import TYPE_CHECKING

import pytest

from tests.support.build import HELLO_C, cc, shared
from tests.support.cli import scratchpack
from tests.unit.scripts.test_bundles import archive

if TYPE_CHECKING:
    from pathlib import Path


def test_a_pyinstaller_program_says_what_its_payload_needs(tmp_path: Path) -> None:
    absent = shared(tmp_path / "libabsent.so.9")
    inner = shared(tmp_path / "inner.so", "int nothing2;\n", "-Wl,--no-as-needed", str(absent)).read_bytes()
    row = struct.pack("!IIIIBc", 32, 0, len(inner), len(inner), 0, b"b") + b"inner.so" + b"\0" * 6
    size = len(inner) + len(row) + 88
    cookie = struct.pack("!8sIIII64s", b"MEI\014\013\012\013\016", size, len(inner), len(row), 311, b"")
    program = cc(tmp_path / "hello", HELLO_C)
    program.write_bytes(program.read_bytes() + inner + row + cookie)
    done = scratchpack("./hello", cwd=tmp_path)
    assert done.status == 0, done.err
    (said,) = [line for line in done.err.splitlines() if "PyInstaller" in line]
    assert "libabsent.so.9" in said
    assert "libc.so.6" not in said, "it travels already"


@pytest.mark.parametrize("tail", [b"\nPAR.pm\n", b"\n---- Bun! ----\n"])
def test_a_payload_that_cannot_be_read_is_said_as_well(tmp_path: Path, tail: bytes) -> None:
    program = cc(tmp_path / "hello", HELLO_C)
    program.write_bytes(program.read_bytes() + b"x" * 1000 + tail)
    assert "self-extracting program" in scratchpack("./hello", cwd=tmp_path).err


def test_a_program_without_a_payload_has_no_such_line(tmp_path: Path) -> None:
    cc(tmp_path / "hello", HELLO_C)
    assert "self-extracting" not in scratchpack("./hello", cwd=tmp_path).err


NOTED = r"""
__asm__(".pushsection .note.x,\"a\",@note\n.balign 4\n.long 14, 4, 0\n.asciz \"%s\"\n.balign 4\n.long 1\n.popsection");
#include <stdio.h>
int main(void) { return puts("app.js") < 0; }
"""


def test_nodes_single_executable_is_known_by_its_note_and_gets_libcs_stubs_for_its_add_ons(tmp_path: Path) -> None:
    """N48: postject writes the note. The file's strings are the payload's as well, so what they name beside it says nothing."""
    cc(tmp_path / "app", NOTED % "NODE_SEA_BLOB")
    (tmp_path / "app.js").write_text("x")

    done = scratchpack("pack", "./app", "--dry-run", "-v", cwd=tmp_path)

    assert done.status == 0, done.err
    assert "(Node single executable): it reads what it runs from its own file" in done.err
    assert "libdl.so.2" in done.out + done.err
    assert "beside ./app" not in done.err


def test_a_note_of_another_name_is_no_payload(tmp_path: Path) -> None:
    cc(tmp_path / "app", NOTED % "NODE_SEA_BLOC")

    done = scratchpack("pack", "./app", "--dry-run", "-v", cwd=tmp_path)

    assert done.status == 0, done.err
    assert "single executable" not in done.err
    assert "libdl.so.2" not in done.out + done.err


def test_foreign_data_behind_a_program_is_said_and_a_compilers_own_is_not(tmp_path: Path) -> None:
    program = cc(tmp_path / "hello", HELLO_C)
    assert "follow the end" not in scratchpack("./hello", cwd=tmp_path).err
    program.write_bytes(program.read_bytes() + b"x" * 10_000)
    assert "./hello: 10000 bytes follow the end of its ELF data" in scratchpack("./hello", cwd=tmp_path).err


@pytest.mark.parametrize("folder", ["_internal", ""])
def test_a_folder_that_a_program_does_not_start_without_is_offered_and_the_offer_does(
    tmp_path: Path, folder: str
) -> None:
    """PyInstaller's one folder: the archive lacks Python's library, which lies below the program, or beside it before 6.0."""
    home = tmp_path / "dist"
    (home / folder).mkdir(parents=True)
    option = f"pyi-contents-directory {folder}".encode() if folder else b""
    program = cc(home / "app", HELLO_C)
    program.write_bytes(program.read_bytes() + archive([], option=option, library=b"libpython3.so"))
    lost = scratchpack("dist/app", "--dry-run", cwd=tmp_path)
    assert "libpython3.so" in lost.err
    assert "not there: build or copy the whole folder" in lost.err
    (home / folder / "libpython3.so").write_bytes(b"python")

    done = scratchpack("dist/app", "--dry-run", cwd=tmp_path)

    (line,) = [line for line in done.err.splitlines() if "does not start without" in line]
    offer = shlex.split(line.partition("add it with ")[2])
    whole = scratchpack("dist/app", *offer, "-o", "type=local,dest=tree", cwd=tmp_path)
    assert whole.status == 0, whole.err
    assert "does not start without" not in whole.err
    (app,) = [path for path in (tmp_path / "tree").rglob("app") if path.is_file()]
    (library,) = (tmp_path / "tree").rglob("libpython3.so")
    assert library.parent == app.parent / folder
