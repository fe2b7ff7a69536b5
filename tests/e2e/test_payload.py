"""N48: a program that unpacks itself is never packed without a word about it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from tests.support.build import HELLO_C, cc, shared
from tests.support.cli import scratchpack

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
