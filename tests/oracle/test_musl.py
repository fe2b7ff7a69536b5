"""R2, R3, R6, R7, R11, R13-R15, R19, R21, S24 with musl's own loader (Debian's package musl) as the referee."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.oracle.test_glibc_candidates import FATAL, SKIPPED, patched
from tests.oracle.world import MUSL, RPATH, RUNPATH

if TYPE_CHECKING:
    from tests.oracle.world import World

BOTH = pytest.mark.parametrize("tag", [RPATH, RUNPATH])


def test_a_soname_never_answers(musl: World) -> None:  # R2
    musl.lib("/lib/libreal.so", soname="libx.so.1")
    musl.program("/p", ["libreal.so", "libx.so.1"])
    assert musl.agree("/p").missing == ("libx.so.1",)
    musl.lib("/lib/libx.so.1")
    assert len(musl.agree("/p").paths) == 2


@pytest.mark.parametrize("kind", ["symlink", "copy"])
def test_one_inode_is_one_object(musl: World, kind: str) -> None:  # R2
    first = musl.lib("/lib/libone.so")
    second = musl.path("/lib/libtwo.so")
    if kind == "symlink":
        second.symlink_to("libone.so")
    else:
        second.write_bytes(first.read_bytes())
    musl.program("/p", ["libone.so", "libtwo.so"])
    closure = musl.ours("/p")
    assert len([r for r in closure.resolved if r.path != MUSL]) == (1 if kind == "symlink" else 2)
    assert set(musl.real("/p").paths) >= {r.path for r in closure.resolved}


@BOTH
def test_both_kinds_of_rpath_are_inherited(musl: World, tag: tuple[str, str]) -> None:  # R3
    musl.lib("/a/liba.so", ["libb.so"], *RUNPATH, "/nowhere")
    musl.lib("/a/libb.so")
    musl.program("/p", ["liba.so"], *tag, "/a")
    assert musl.agree("/p").paths == ("/a/liba.so", "/a/libb.so")


@BOTH
def test_the_variable_comes_first(musl: World, tag: tuple[str, str]) -> None:  # R3, R5
    musl.lib("/a/libx.so")
    musl.lib("/v/libx.so")
    musl.program("/p", ["libx.so"], *tag, "/a")
    assert musl.agree("/p", LD_LIBRARY_PATH="/v").paths == ("/v/libx.so",)
    assert musl.agree("/p", LD_LIBRARY_PATH="/no\n/v").paths == ("/v/libx.so",)
    assert musl.agree("/p", LD_LIBRARY_PATH="/no;/v").paths == ("/a/libx.so",)
    assert musl.agree("/p", LD_LIBRARY_PATH="::/v/:").paths == ("/v//libx.so",)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$ORIGIN/l", 1),
        ("${ORIGIN}/l", 1),
        ("$ORIGINX:/no:$ORIGIN/l", 1),
        ("$ORIGIN/l:$LIB", 0),
        ("$PLATFORM:/app/l", 0),
    ],
)
def test_another_token_voids_the_whole_rpath(musl: World, path: str, found: int) -> None:  # R6
    musl.lib("/app/l/libx.so")
    musl.program("/app/p", ["libx.so"], *RUNPATH, path)
    assert len(musl.agree("/app/p").paths) == found


def test_origin_followed_by_a_letter_is_origin_all_the_same(musl: World) -> None:  # R6
    musl.lib("/appX/libx.so")
    musl.program("/app/p", ["libx.so"], *RUNPATH, "$ORIGINX")
    assert musl.agree("/app/p").paths == ("/appX/libx.so",)


def test_tokens_in_a_name_with_a_slash_stay_literal(musl: World) -> None:  # R7
    musl.lib("/app/libx.so")
    musl.program("/app/p", ["$ORIGIN/libx.so"])
    assert musl.agree("/app/p").missing == ("$ORIGIN/libx.so",)
    musl.program("/app/q", ["/app/libx.so", "./libx.so"])
    assert musl.agree("/app/q", cwd="/app").paths[0] == "/app/libx.so"


@pytest.mark.parametrize("name", ["libc.so", "libc.so.6", "libm.so.6", "libpthread.so.0", "librt.so.1", "libdl.so.2", "libutil.so.1", "libxnet.so.9", "libc.musl-x86_64.so.1"])  # fmt: skip
def test_reserved_names_are_the_loader_itself(musl: World, name: str) -> None:  # R19
    musl.lib(f"/a/{name}")
    musl.program("/p", [name], *RPATH, "/a")
    assert musl.agree("/p").paths == ()


@pytest.mark.parametrize("name", ["libcrypt.so.1", "libresolv.so.2"])
def test_other_libraries_of_glibc_are_not_reserved(musl: World, name: str) -> None:  # R19
    musl.program("/p", [name])
    assert musl.agree("/p").missing == (name,)


def test_default_directories_come_in_musls_order(musl: World) -> None:  # R10, R19
    for name, directories in (
        ("libx.so", ("/lib", "/usr/local/lib", "/usr/lib")),
        ("liby.so", ("/usr/local/lib", "/usr/lib")),
    ):
        for directory in directories:
            musl.lib(f"{directory}/{name}")
    musl.program("/p", ["libx.so", "liby.so"])
    assert musl.agree("/p").paths == ("/lib/libx.so", "/usr/local/lib/liby.so")


@pytest.mark.parametrize(
    ("text", "found"),
    [("/opt/l\n", 1), ("/no:/opt/l", 1), ("/opt/l ", 0), ("", 0), ("# /opt\n/opt/l\n", 1), ("/lib\n", 0)],
)
def test_the_path_file_replaces_the_defaults(musl: World, text: str, found: int) -> None:  # R19
    musl.lib("/opt/l/libx.so")
    musl.lib("/usr/lib/libx.so")
    musl.write("/etc/ld-musl-x86_64.path", text)
    musl.program("/p", ["libx.so"])
    agreed = musl.agree("/p")
    assert len(agreed.paths) == found
    assert [node.canonical for node in agreed.closure.extra] == ["/etc/ld-musl-x86_64.path"]


def test_the_path_file_stands_beside_the_interpreters_directory(musl: World) -> None:  # R19
    musl.copy(Path("/lib/x86_64-linux-musl/libc.so"), "/opt/m/lib/ld-musl-x86_64.so.1")
    musl.loader = "/opt/m/lib/ld-musl-x86_64.so.1"
    musl.lib("/odd/libx.so")
    musl.write("/opt/m/etc/ld-musl-x86_64.path", "/odd")
    musl.program("/p", ["libx.so"])
    assert musl.agree("/p").paths == ("/odd/libx.so",)


def test_another_c_library_is_replaced_by_the_loader_itself(musl: World) -> None:  # R19
    other = musl.compile("other", "void __libc_start_main(void) {}\nint stdin;\n")
    musl.lib("/lib/libother.so", [], objects=[other])
    musl.program("/p", ["libother.so"])
    assert "/lib/libother.so" not in musl.real("/p").paths
    assert musl.agree("/p").paths == ()


@pytest.mark.parametrize("row", SKIPPED)
def test_a_foreign_file_is_an_error_at_the_first_that_opens(
    musl: World, row: str
) -> None:  # R11: musl maps it unchecked
    musl.write("/a/libx.so", SKIPPED[row](musl))
    musl.lib("/b/libx.so")
    musl.program("/p", ["libx.so"], *RUNPATH, "/a:/b")
    assert "/b/libx.so" not in musl.real("/p").paths, "it never looks further"
    assert [p.kind for p in musl.ours("/p").errors] == ["fatal-candidate"]


@pytest.mark.parametrize("row", ["relocatable object", "core file", "empty", "text", "linker script", "magic only"])
def test_a_broken_file_is_fatal(musl: World, row: str) -> None:  # R11
    musl.write("/a/libx.so", FATAL[row](musl))
    musl.lib("/b/libx.so")
    musl.program("/p", ["libx.so"], *RUNPATH, "/a:/b")
    assert musl.agree("/p").fatal


@pytest.mark.parametrize("row", ["OS ABI of FreeBSD", "ABI version with System V", "padding in e_ident"])
def test_identification_bytes_are_not_looked_at(musl: World, row: str) -> None:  # R11
    musl.write("/a/libx.so", FATAL[row](musl))
    musl.program("/p", ["libx.so"], *RUNPATH, "/a")
    assert musl.agree("/p").paths == ("/a/libx.so",)


def test_a_program_is_accepted_as_a_library(musl: World) -> None:  # R11
    musl.program("/a/libx.so")
    musl.program("/p", ["libx.so"], *RUNPATH, "/a")
    assert musl.agree("/p").paths == ("/a/libx.so",)


def test_a_loop_of_links_inhibits_the_whole_search(musl: World) -> None:  # R11
    musl.link("/a/libx.so", "libx.so")
    musl.lib("/lib/libx.so")
    musl.program("/p", ["libx.so"], *RUNPATH, "/a")
    assert "/lib/libx.so" not in musl.real("/p").paths
    assert [p.kind for p in musl.ours("/p").errors] == ["fatal-candidate"]


@pytest.mark.parametrize("option", ["--filter", "--auxiliary", "--audit"])
def test_filters_auxiliaries_and_auditors_are_ignored(musl: World, option: str) -> None:  # R13, R14
    musl.lib("/lib/libx.so", [], option, "libgone.so")
    musl.program("/p", ["libx.so"], *(["--audit", "libgone.so"] if option == "--audit" else []))
    agreed = musl.agree("/p")
    assert (agreed.paths, agreed.closure.problems) == (("/lib/libx.so",), ())


def test_only_the_variable_preloads_and_a_missing_one_is_silent(musl: World) -> None:  # R14
    for name in ("n", "one"):
        musl.lib(f"/lib/lib{name}.so")
    musl.write("/etc/ld.so.preload", "libgone.so\n")
    musl.program("/p", ["libn.so"])
    agreed = musl.agree("/p", LD_PRELOAD="libone.so")
    assert [os.path.basename(path) for path in agreed.paths] == ["libone.so", "libn.so"]
    assert not musl.ours("/p", LD_PRELOAD="libmissing.so").errors


@pytest.mark.parametrize("defined", [True, False])
def test_a_symbol_that_nobody_defines_stops_the_program(musl: World, defined: bool) -> None:  # R15
    source = "extern void wanted(void);\nvoid (*const kept)(void) = wanted;\n"
    has = "void wanted(void) {}\n" if defined else "int nothing;\n"
    musl.lib("/lib/libx.so", [], objects=[musl.compile("has", has)])
    link = musl.lib("/link/libx.so", [], objects=[musl.compile("full", "void wanted(void) {}\n")])
    musl.program("/p", [], str(link), objects=[musl.compile("uses", source)])
    done = musl.run(["/p"])
    assert (done.returncode == 0) == defined
    assert defined or "wanted: symbol not found" in done.stderr
    assert [(p.kind, p.name) for p in musl.ours("/p").errors] == ([] if defined else [("symbol", "wanted")])


@pytest.mark.parametrize(("path", "found"), [(":", 0), ("", 0), ("l", 1), (".", 0)])
def test_relative_directories_count_and_empty_ones_do_not(musl: World, path: str, found: int) -> None:  # R21
    musl.lib("/w/l/libx.so")
    musl.program("/p", ["libx.so"], *RUNPATH, path or ":")
    assert len(musl.agree("/p", cwd="/w").paths) == found


def test_what_dlopen_maps_is_searched_for_the_program_whoever_calls(musl: World) -> None:  # R19
    musl.lib("/a/liba.so", [], *RUNPATH, "/plugins")
    musl.lib("/plugins/libplug.so")
    musl.program("/p", ["liba.so"], *RUNPATH, "/a")
    session = musl.session("/p")
    assert session.open("libplug.so", "/a/liba.so") is None


def test_a_good_library_passes(musl: World) -> None:
    musl.write("/a/libx.so", patched(musl, 0, b""))
    musl.program("/p", ["libx.so"], *RUNPATH, "/a")
    assert musl.agree("/p").paths == ("/a/libx.so",)
