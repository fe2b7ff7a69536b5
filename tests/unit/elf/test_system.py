"""Programs of other systems and machines are refused by the name of the system, with what to do (issue 12, Deliver 12)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from scratchpack.config import Options
from scratchpack.errors import InputError
from scratchpack.loader.foreign import foreign_root
from scratchpack.loader.objects import Objects
from scratchpack.pipeline.inspect import inspect
from scratchpack.sysroot.dirroot import DirRoot
from tests.support.build import go
from tests.support.hostile_elf import INTERP, glibc_root, note
from tests.unit.elf.forge import NEEDED, facts, forge

if TYPE_CHECKING:
    from pathlib import Path

EMPTY_GO = "package main\n\nfunc main() {}\n"
INTERPRETERS = {
    "/libexec/ld-elf.so.1": "FreeBSD",
    "/usr/libexec/ld.elf_so": "NetBSD",
    "/usr/libexec/ld.so": "OpenBSD",
    "/usr/libexec/ld-elf.so.2": "DragonFly BSD",
    "/usr/lib/amd64/ld.so.1": "Solaris",
    "/lib/ld-x86-64.so.1": "GNU/Hurd",
    "/system/bin/linker64": "Android",
    "/lib64/ld-linux-x86-64.so.2": "Linux",
    "/lib/ld-musl-x86_64.so.1": "Linux",
}


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_the_interpreter_names_the_system(interpreter: str) -> None:
    data = forge(((NEEDED, b"libc.so"),), interp=interpreter.encode() + b"\0")
    assert facts(data).system == INTERPRETERS[interpreter]


@pytest.mark.parametrize(("osabi", "system"), [(0, "Linux"), (3, "Linux"), (2, "NetBSD"), (9, "FreeBSD"), (12, "OpenBSD"), (6, "Solaris")])  # fmt: skip
def test_the_header_names_the_system(osabi: int, system: str) -> None:
    data = bytearray(forge(None, kind=2, entry=0x400000))
    data[7] = osabi
    assert facts(bytes(data)).system == system


@pytest.mark.parametrize(
    ("owner", "desc", "system"),
    [
        (b"OpenBSD\0", bytes(4), "OpenBSD"),
        (b"NetBSD\0", struct.pack("<I", 999), "NetBSD"),
        (b"GNU\0", struct.pack("<4I", 0, 3, 2, 0), "Linux"),
        (b"GNU\0", struct.pack("<4I", 1, 0, 0, 0), "GNU/Hurd"),
        (b"GNU\0", struct.pack("<4I", 3, 8, 0, 0), "GNU/kFreeBSD"),
    ],
)
def test_a_note_names_the_system(owner: bytes, desc: bytes, system: str) -> None:
    padded = owner + bytes(-len(owner) % 4)
    notes = struct.pack("<III", len(owner), len(desc), 1) + padded + desc
    assert facts(forge(None, kind=2, notes=notes)).system == system


def test_linux_on_mips_has_a_loader_of_the_name_that_others_use() -> None:
    data = forge(((NEEDED, b"libc.so.6"),), bits=32, order="big", machine=8, interp=b"/lib/ld.so.1\0")
    assert facts(data).system == "Linux"
    assert facts(forge((), interp=b"/lib/ld.so.1\0")).system == "GNU/Hurd or Solaris"


@pytest.mark.parametrize(
    ("target", "system"),
    [
        ("freebsd", "FreeBSD"),
        ("dragonfly", r"dragonfly \(GOOS\)"),
        *(
            pytest.param(*pair, marks=pytest.mark.campaign)
            for pair in (
                ("netbsd", "NetBSD"),
                ("openbsd", "OpenBSD"),
                ("solaris", "Solaris"),
            )
        ),
    ],
)
def test_a_real_program_of_another_system_is_refused_by_its_name(tmp_path: Path, target: str, system: str) -> None:
    path = go(tmp_path / "app", EMPTY_GO, GOOS=target)
    with pytest.raises(InputError, match=f"it is a program for {system}") as caught:
        inspect(str(path))
    assert "GOOS=linux" in (caught.value.hint or "")


def test_a_program_of_another_machine_says_which_machine_the_root_is(tmp_path: Path) -> None:
    root = glibc_root(tmp_path)
    data = forge(((NEEDED, b"libc.so.6"),), machine=183, interp=b"/lib/ld-linux-aarch64.so.1\0")
    (root / "app").write_bytes(data)
    [problem] = inspect("/app", Options(root=str(root))).closure.errors
    assert f"this is aarch64, the root {root} is x86_64" in problem.detail
    assert foreign_root(DirRoot(str(root)), Objects(), "x86_64") is None


def test_a_missing_loader_of_the_roots_own_machine_is_just_missing(tmp_path: Path) -> None:
    root = glibc_root(tmp_path)
    (root / "app").write_bytes(forge((), interp=b"/lib/ld-other.so\0"))
    [problem] = inspect("/app", Options(root=str(root))).closure.errors
    assert "the kernel reports the program itself as missing" in problem.detail


def test_a_note_of_another_owner_says_nothing() -> None:
    assert facts(forge((), interp=INTERP, notes=note(1, b"abcd", b"XYZ\0"))).system == "Linux"
