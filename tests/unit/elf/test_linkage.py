"""R17: PT_INTERP and what is asked for decide how a file starts; neither e_type nor section headers do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.elf.kind import open_input
from scratchpack.elf.model import ElfFacts, Linkage
from scratchpack.elf.reader import read_elf
from tests.support.build import HELLO_C, HELLO_GO, cc, go, shared

if TYPE_CHECKING:
    from pathlib import Path


def facts(path: Path) -> ElfFacts:
    with open_input(str(path)) as stream:
        return read_elf(stream, origin=str(path))


def test_an_ordinary_program_is_dynamic(tmp_path: Path) -> None:
    found = facts(cc(tmp_path / "a", HELLO_C))
    assert found.linkage is Linkage.DYNAMIC
    assert found.interpreter == "/lib64/ld-linux-x86-64.so.2"
    assert found.needed == ("libc.so.6",)
    assert found.build_id is not None
    assert len(found.build_id) == 40


def test_a_static_program_is_static(tmp_path: Path) -> None:
    found = facts(cc(tmp_path / "a", HELLO_C, "-static"))
    assert (found.linkage, found.interpreter, found.needed) == (Linkage.STATIC, None, ())


def test_a_static_pie_is_no_library(tmp_path: Path) -> None:
    assert facts(cc(tmp_path / "a", HELLO_C, "-static-pie")).linkage is Linkage.STATIC_PIE


def test_a_go_program_is_static(tmp_path: Path) -> None:
    assert facts(go(tmp_path / "hello", HELLO_GO)).linkage is Linkage.STATIC


def test_a_library_is_a_shared_object(tmp_path: Path) -> None:
    found = facts(shared(tmp_path / "libx.so.1"))
    assert found.linkage is Linkage.SHARED_OBJECT
    assert found.soname == "libx.so.1"


def test_a_library_without_needed_or_soname_is_still_one(tmp_path: Path) -> None:
    assert facts(shared(tmp_path / "l.so", "int x;\n", "-nostdlib", soname="")).linkage is Linkage.SHARED_OBJECT


def test_a_library_that_can_be_started_needs_a_loader() -> None:
    found = facts_of_libc()
    assert found.linkage is Linkage.DYNAMIC
    assert found.soname == "libc.so.6"
    assert "GLIBC_2.2.5" in found.version_defs


def facts_of_libc() -> ElfFacts:
    from scratchpack.sysroot.dirroot import DirRoot

    with DirRoot("/") as root:
        node = root.lookup("/lib/x86_64-linux-gnu/libc.so.6")
        assert node is not None
        with root.open(node) as stream:
            return read_elf(stream, origin=node.canonical)
