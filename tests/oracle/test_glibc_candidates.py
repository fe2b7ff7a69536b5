"""R11: every row of the candidate table, its verdict taken from glibc's loader."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from tests.oracle.world import RUNPATH
from tests.support.build import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.oracle.world import World


def patched(world: World, at: int, data: bytes) -> bytes:
    """A good library's bytes with some of them changed."""
    good = bytearray(world.lib("/good/libx.so").read_bytes())
    good[at : at + len(data)] = data
    return bytes(good)


def without_dynamic(world: World) -> bytes:
    """A library whose PT_DYNAMIC became PT_NULL, as in a file of debug information only."""
    data = bytearray(world.lib("/good/libx.so").read_bytes())
    count = int.from_bytes(data[56:58], "little")
    for at in range(64, 64 + 56 * count, 56):
        if data[at : at + 4] == b"\2\0\0\0":
            data[at : at + 4] = b"\0\0\0\0"
    return bytes(data)


SKIPPED: dict[str, Callable[[World], bytes]] = {
    "other class": lambda w: patched(w, 4, b"\1"),
    "other machine": lambda w: patched(w, 18, b"\xb7\0"),
}
FATAL: dict[str, Callable[[World], bytes]] = {
    "other byte order": lambda w: patched(w, 5, b"\2"),
    "OS ABI of FreeBSD": lambda w: patched(w, 7, b"\x09"),
    "ABI version with System V": lambda w: patched(w, 8, b"\1"),
    "ABI version 9 with GNU": lambda w: patched(w, 7, b"\3\x09"),
    "padding in e_ident": lambda w: patched(w, 12, b"\1"),
    "identification version": lambda w: patched(w, 6, b"\2"),
    "file version": lambda w: patched(w, 20, b"\2\0\0\0"),
    "relocatable object": lambda w: patched(w, 16, b"\1\0"),
    "core file": lambda w: patched(w, 16, b"\4\0"),
    "program header size": lambda w: patched(w, 54, b"\x20\0"),
    "empty": lambda _: b"",
    "text": lambda _: b"hello, this is text that is longer than one ELF header of 64 bytes is\n",
    "linker script": lambda _: (
        b"/* GNU ld script */\nOUTPUT_FORMAT(elf64-x86-64)\nGROUP ( /lib/libx.so.6 AS_NEEDED ( x ) )\n"
    ),
    "magic only": lambda _: b"\x7fELF",
    "short header": lambda w: patched(w, 0, b"")[:60],
    "no dynamic section": without_dynamic,
}
TAKEN: dict[str, Callable[[World], bytes]] = {
    "OS ABI of GNU": lambda w: patched(w, 7, b"\3"),
    "ABI version 1 with GNU": lambda w: patched(w, 7, b"\3\1"),
    "ABI version 3 with GNU": lambda w: patched(w, 7, b"\3\3"),
}


@pytest.mark.parametrize("row", SKIPPED)
def test_a_foreign_file_is_skipped_and_a_later_directory_serves(glibc: World, row: str) -> None:
    glibc.write("/a/libx.so", SKIPPED[row](glibc))
    glibc.lib("/b/libx.so")
    glibc.program("/p", ["libx.so"], *RUNPATH, "/a:/b")
    glibc.program("/q", ["libx.so"], *RUNPATH, "/a")
    assert glibc.agree("/p").paths == ("/b/libx.so",)
    assert glibc.agree("/q").missing == ("libx.so",)


@pytest.mark.parametrize("row", FATAL)
def test_a_broken_file_is_fatal_although_a_later_directory_has_a_good_one(glibc: World, row: str) -> None:
    glibc.write("/a/libx.so", FATAL[row](glibc))
    glibc.lib("/b/libx.so")
    glibc.program("/p", ["libx.so"], *RUNPATH, "/a:/b")
    agreed = glibc.agree("/p")
    assert agreed.fatal
    assert any(p.kind == "fatal-candidate" and "/a/libx.so" in p.detail for p in agreed.closure.errors)


@pytest.mark.parametrize("row", TAKEN)
def test_gnu_extensions_are_accepted(glibc: World, row: str) -> None:
    glibc.write("/a/libx.so", TAKEN[row](glibc))
    glibc.program("/p", ["libx.so"], *RUNPATH, "/a")
    assert glibc.agree("/p").paths == ("/a/libx.so",)


def test_a_directory_of_that_name_is_fatal(glibc: World) -> None:
    glibc.path("/a/libx.so").mkdir(parents=True)
    glibc.lib("/b/libx.so")
    glibc.program("/p", ["libx.so"], *RUNPATH, "/a:/b")
    assert glibc.agree("/p").fatal


def test_what_is_not_there_goes_on_to_the_next_directory(glibc: World) -> None:
    glibc.write("/file", "not a directory")
    glibc.link("/dangling/libx.so", "nowhere")
    glibc.lib("/b/libx.so")
    glibc.program("/p", ["libx.so"], *RUNPATH, "/no:/file:/dangling:/b")
    assert glibc.agree("/p").paths == ("/b/libx.so",)


def test_a_loop_of_links_ends_its_list_and_not_the_search(glibc: World) -> None:
    glibc.link("/a/libx.so", "libx.so")
    glibc.lib("/b/libx.so")
    glibc.program("/p", ["libx.so"], *RUNPATH, "/a:/b")
    assert glibc.agree("/p").missing == ("libx.so",)
    glibc.lib("/lib/libx.so")
    assert glibc.agree("/p").paths == ("/lib/libx.so",)


@pytest.mark.parametrize("kind", ["-pie", "-no-pie"])
def test_a_program_is_no_library(glibc: World, kind: str) -> None:
    glibc.program("/a/libx.so", [], kind)
    glibc.program("/p", ["libx.so"], *RUNPATH, "/a")
    assert glibc.agree("/p").fatal


def test_a_library_needs_no_permission_to_execute(glibc: World) -> None:
    glibc.lib("/a/libx.so").chmod(0o644)
    glibc.program("/p", ["libx.so"], *RUNPATH, "/a")
    assert glibc.agree("/p").paths == ("/a/libx.so",)


def test_a_library_cut_short_is_refused_by_us_and_crashes_the_loader(glibc: World) -> None:
    big = glibc.compile("big", "const char nothing[200000] = {1};\n")
    whole = glibc.lib("/a/libx.so", [], objects=[big]).read_bytes()
    glibc.write("/a/libx.so", whole[:5000])
    glibc.program("/p", ["libx.so"], *RUNPATH, "/a")
    done = glibc.run(["/p"])
    assert done.returncode != 0
    assert [p.kind for p in glibc.ours("/p").errors] == ["fatal-candidate"]


def test_an_abi_note_of_a_newer_kernel_is_ignored(glibc: World) -> None:  # R12, since 2.36
    note = glibc.compile(
        "note",
        'asm(".section .note.ABI-tag,\\"a\\",@note\\n .long 4,16,1\\n .asciz \\"GNU\\"\\n .long 0,99,0,0\\n .previous");\n',
    )
    glibc.lib("/lib/libx.so", [], objects=[note])
    glibc.program("/p", ["libx.so"])
    assert glibc.agree("/p").paths == ("/lib/libx.so",)


def test_a_fifo_is_refused_without_waiting_for_a_writer(glibc: World) -> None:  # S6
    glibc.path("/a").mkdir()
    os.mkfifo(glibc.path("/a/libx.so"))
    assert stat.S_ISFIFO(glibc.path("/a/libx.so").stat().st_mode)
    glibc.program("/p", ["libx.so"], *RUNPATH, "/a")
    assert [p.kind for p in glibc.ours("/p").errors] == ["fatal-candidate"]


def test_a_debug_file_made_by_objcopy_is_refused(glibc: World, tmp_path: Path) -> None:
    source = glibc.lib("/good/libx.so")
    glibc.path("/a").mkdir()
    run(["objcopy", "--only-keep-debug", source, glibc.path("/a/libx.so")])
    glibc.program("/p", ["libx.so"], *RUNPATH, "/a")
    assert glibc.run(["/p"]).returncode != 0
    assert [p.kind for p in glibc.ours("/p").errors] == ["fatal-candidate"]
