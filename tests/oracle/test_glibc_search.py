"""R1-R7, R10, R18, R20, R21: which file glibc's loader finds for a name, told by the loader itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from scratchpack.loader.model import LoaderEnv
from tests.oracle.world import RPATH, RUNPATH

if TYPE_CHECKING:
    from tests.oracle.world import World


def test_objects_come_breadth_first_in_file_order_each_once(glibc: World) -> None:  # R1
    glibc.lib("/lib/liba.so", ["libc1.so", "libe.so"])
    glibc.lib("/lib/libb.so", ["libd.so", "liba.so"])
    for name in ("c1", "d", "e"):
        glibc.lib(f"/lib/lib{name}.so", ["libb.so"])
    glibc.program("/p", ["liba.so", "libb.so"])
    names = [os.path.basename(path) for path in glibc.agree("/p").paths]
    assert names == ["liba.so", "libb.so", "libc1.so", "libe.so", "libd.so"]


def test_a_loaded_soname_answers_without_any_file(glibc: World) -> None:  # R2
    glibc.lib("/lib/libreal.so", soname="libx.so.1")
    glibc.lib("/lib/libuser.so", ["libx.so.1"])
    glibc.program("/p", ["libreal.so", "libuser.so"])
    assert glibc.agree("/p").paths == ("/lib/libreal.so", "/lib/libuser.so")


def test_a_soname_is_not_known_before_its_object_is_loaded(glibc: World) -> None:  # R2
    glibc.lib("/lib/libreal.so", soname="libx.so.1")
    glibc.program("/p", ["libx.so.1", "libreal.so"])
    assert glibc.agree("/p").missing == ("libx.so.1",)


@pytest.mark.parametrize("kind", ["symlink", "hardlink", "copy"])
def test_one_inode_is_one_object_and_a_copy_is_another(glibc: World, kind: str) -> None:  # R2
    first = glibc.lib("/lib/libone.so", soname="")
    second = glibc.path("/lib/libtwo.so")
    if kind == "symlink":
        second.symlink_to("libone.so")
    elif kind == "hardlink":
        second.hardlink_to(first)
    else:
        second.write_bytes(first.read_bytes())
    glibc.program("/p", ["libone.so", "libtwo.so"])
    assert len(glibc.agree("/p").paths) == (2 if kind == "copy" else 1)


def test_an_rpath_is_inherited_down_the_chain_of_first_requesters(glibc: World) -> None:  # R3
    glibc.lib("/a/liba.so", ["libb.so"])
    glibc.lib("/a/libb.so", ["libc1.so"])
    glibc.lib("/a/libc1.so")
    glibc.program("/p", ["liba.so"], *RPATH, "/a")
    assert glibc.agree("/p").paths == ("/a/liba.so", "/a/libb.so", "/a/libc1.so")


def test_a_runpath_is_not_inherited(glibc: World) -> None:  # R4
    glibc.lib("/a/liba.so", ["libb.so"])
    glibc.lib("/a/libb.so")
    glibc.program("/p", ["liba.so"], *RUNPATH, "/a")
    assert glibc.agree("/p").missing == ("libb.so",)


def test_a_runpath_silences_every_rpath_for_its_own_object(glibc: World) -> None:  # R5
    glibc.lib("/a/liba.so", ["libb.so"], *RUNPATH, "/nowhere")
    glibc.lib("/a/libb.so")
    glibc.program("/p", ["liba.so"], *RPATH, "/a")
    assert glibc.agree("/p").missing == ("libb.so",)


def test_the_rpath_chain_goes_on_above_an_object_with_a_runpath(glibc: World) -> None:  # R3
    glibc.lib("/a/liba.so", ["libmid.so"], *RUNPATH, "/m")
    glibc.lib("/m/libmid.so", ["libleaf.so"])
    glibc.lib("/a/libleaf.so")
    glibc.program("/p", ["liba.so"], *RPATH, "/a")
    assert glibc.agree("/p").paths == ("/a/liba.so", "/m/libmid.so", "/a/libleaf.so")


def test_a_siblings_rpath_does_not_help_the_program(glibc: World) -> None:  # R5
    glibc.lib("/lib/liba.so", [], *RPATH, "/a")
    glibc.lib("/a/libb.so")
    glibc.program("/p", ["liba.so", "libb.so"])
    assert glibc.agree("/p").missing == ("libb.so",)


@pytest.mark.parametrize("order", [["liba.so", "libb.so"], ["libb.so", "liba.so"]])
def test_the_first_requester_decides_whose_rpath_counts(glibc: World, order: list[str]) -> None:  # R5
    for name in ("a", "b"):
        glibc.lib(f"/lib/lib{name}.so", ["libshared.so"], *RPATH, f"/{name}")
        glibc.lib(f"/{name}/libshared.so", ["libdeep.so"])
        glibc.lib(f"/{name}/libdeep.so")
    glibc.program("/p", order)
    first = order[0][3]
    assert glibc.agree("/p").paths[2:] == (f"/{first}/libshared.so", f"/{first}/libdeep.so")


def test_the_order_is_rpath_then_variable_then_runpath_then_default(glibc: World) -> None:  # R5
    for directory in ("rpath", "var", "runpath", "lib"):
        glibc.lib(f"/{directory}/libx.so")
    glibc.program("/p1", ["libx.so"], *RPATH, "/rpath")
    glibc.program("/p2", ["libx.so"], *RUNPATH, "/runpath")
    glibc.program("/p3", ["libx.so"])
    assert glibc.agree("/p1", LD_LIBRARY_PATH="/var").paths == ("/rpath/libx.so",)
    assert glibc.agree("/p2", LD_LIBRARY_PATH="/var").paths == ("/var/libx.so",)
    assert glibc.agree("/p2").paths == ("/runpath/libx.so",)
    assert glibc.agree("/p3").paths == ("/lib/libx.so",)


@pytest.mark.parametrize("value", ["/no;/var", "/no:/var", ";;/var", "/var/", "/var//"])
def test_colons_and_semicolons_separate_the_variable(glibc: World, value: str) -> None:  # R5
    glibc.lib("/var/libx.so")
    glibc.program("/p", ["libx.so"])
    assert glibc.agree("/p", LD_LIBRARY_PATH=value).paths == ("/var/libx.so",)


@pytest.mark.parametrize(
    "path", ["$ORIGIN/l", "${ORIGIN}/l", "$ORIGIN/../app/l", "/no:$ORIGIN/l", "$LIBX:$FOO/x:$ORIGIN/l"]
)
@pytest.mark.parametrize("tag", [RPATH, RUNPATH])
def test_origin_is_the_directory_of_the_program(glibc: World, path: str, tag: tuple[str, str]) -> None:  # R6
    glibc.lib("/app/l/libx.so")
    glibc.program("/app/p", ["libx.so"], *tag, path)
    agreed = glibc.agree("/app/p")
    assert len(agreed.paths) == 1
    assert agreed.closure.resolved[0].by_origin


def test_a_longer_name_than_origin_stays_as_it_is(glibc: World) -> None:  # R6
    glibc.lib("/app/lX/libx.so")
    glibc.program("/app/p", ["libx.so"], *RUNPATH, "$ORIGINX/lX:$ORIGIN_/lX")
    assert glibc.agree("/app/p").missing == ("libx.so",)


def test_a_linked_program_has_the_origin_of_its_real_directory(glibc: World) -> None:  # R6
    glibc.lib("/real/l/libx.so")
    glibc.lib("/bin/l/libx.so")
    glibc.program("/real/p", ["libx.so"], *RUNPATH, "$ORIGIN/l")
    glibc.link("/bin/p", "../real/p")
    assert glibc.agree("/bin/p").paths == ("/real/l/libx.so",)


def test_a_linked_library_has_the_origin_of_the_link(glibc: World) -> None:  # R6
    glibc.lib("/real/libm1.so", ["libn.so"], *RUNPATH, "$ORIGIN")
    glibc.lib("/real/libn.so")
    glibc.lib("/links/libn.so")
    glibc.link("/links/libm1.so", "../real/libm1.so")
    glibc.program("/p", ["libm1.so"], *RUNPATH, "/links")
    assert glibc.agree("/p").paths == ("/links/libm1.so", "/links/libn.so")


@pytest.mark.parametrize("token", ["$LIB", "${LIB}", "$PLATFORM", "${PLATFORM}"])
def test_lib_and_platform_have_the_loaders_own_values(glibc: World, token: str) -> None:  # R6, R10
    for value in ("lib/x86_64-linux-gnu", "x86_64", "lib64"):
        glibc.lib(f"/t/{value}/libx.so")
    glibc.program("/p", ["libx.so"], *RUNPATH, f"/t/{token}")
    agreed = glibc.agree("/p")
    assert len(agreed.paths) == 1
    warned = any(p.kind == "ambiguous" and p.name == "$PLATFORM" for p in agreed.closure.problems)
    assert warned == ("PLATFORM" in token)


@pytest.mark.parametrize(
    ("name", "cwd"),
    [("/d/libx.so", "/"), ("./libx.so", "/d"), ("d/libx.so", "/"), ("$ORIGIN/d/libx.so", "/"), ("../d/libx.so", "/d")],
)
def test_a_name_with_a_slash_is_opened_as_it_is(glibc: World, name: str, cwd: str) -> None:  # R7
    glibc.lib("/d/libx.so")
    glibc.lib("/lib/libx.so")
    glibc.program("/p", [name])
    agreed = glibc.agree("/p", cwd=cwd)
    assert len(agreed.paths) == 1
    assert os.path.basename(os.path.dirname(os.path.normpath("/" + cwd + "/" + agreed.paths[0]))) == "d"
    relative = not agreed.paths[0].startswith("/")
    assert any(p.kind == "ambiguous" for p in agreed.closure.problems) == relative


def test_a_name_with_a_slash_is_searched_nowhere_else(glibc: World) -> None:  # R7
    glibc.lib("/lib/libx.so")
    glibc.program("/p", ["/no/libx.so"], *RUNPATH, "/lib")
    assert glibc.agree("/p", LD_LIBRARY_PATH="/lib").missing == ("/no/libx.so",)


def test_default_directories_come_in_the_loaders_own_order(glibc: World) -> None:  # R10
    directories = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib", "/usr/local/lib", "/lib64")
    for count in range(len(directories)):
        glibc.lib(f"{directories[count]}/libonly{count}.so")
        for directory in directories[count:]:
            glibc.lib(f"{directory}/lib{count}.so")
    glibc.program("/p", [f"lib{n}.so" for n in range(4)])
    assert glibc.agree("/p").paths == tuple(f"{directories[n]}/lib{n}.so" for n in range(4))
    glibc.program("/q", [f"libonly{n}.so" for n in (4, 5)])
    assert glibc.agree("/q").missing == ("libonly4.so", "libonly5.so")


def test_nodeflib_excludes_default_directories_for_its_own_requests(glibc: World) -> None:  # R18
    glibc.lib("/lib/libx.so")
    glibc.lib("/a/liba.so", ["libx.so"])
    glibc.program("/p", ["libx.so"], "-z", "nodefaultlib")
    glibc.program("/q", ["liba.so"], "-z", "nodefaultlib", *RPATH, "/a")
    assert glibc.agree("/p").missing == ("libx.so",)
    assert glibc.agree("/q").paths == ("/a/liba.so", "/lib/libx.so")


@pytest.mark.parametrize("tag", [RPATH, RUNPATH])
@pytest.mark.parametrize("path", [":/no", "/no:", "/no::/nor", ".", "sub/..", "./"])
def test_an_empty_or_relative_element_is_the_working_directory(
    glibc: World, tag: tuple[str, str], path: str
) -> None:  # R21
    glibc.lib("/w/libx.so", ["liby.so"], *RUNPATH, "$ORIGIN/o")
    glibc.lib("/w/o/liby.so")
    glibc.path("/w/sub").mkdir()
    glibc.program("/p", ["libx.so"], *tag, path)
    agreed = glibc.agree("/p", cwd="/w")
    assert len(agreed.paths) == 2
    assert any(p.kind == "ambiguous" and "/w" in p.detail for p in agreed.closure.problems)


@pytest.mark.parametrize(("value", "found"), [("", 0), (":", 1), ("/no:", 1), ("w", 0)])
def test_an_empty_variable_is_nothing_and_an_empty_element_is_here(glibc: World, value: str, found: int) -> None:  # R21
    glibc.lib("/w/libx.so")
    glibc.program("/p", ["libx.so"])
    assert len(glibc.agree("/p", cwd="/w", LD_LIBRARY_PATH=value).paths) == found


def test_what_dlopen_maps_is_searched_for_its_caller(glibc: World) -> None:  # R20
    glibc.lib("/a/liba.so", [], *RUNPATH, "/plugins")
    glibc.lib("/plugins/libplug.so", ["liba.so"])
    glibc.program("/p", ["liba.so"], *RUNPATH, "/a")
    session = glibc.session("/p")
    assert session.open("libplug.so") is None, "the program's own path does not lead there"
    found = session.open("libplug.so", "/a/liba.so")
    assert found is not None
    assert found.path == "/plugins/libplug.so"
    assert [r.path for r in session.closure.resolved if r.path != glibc.loader] == ["/a/liba.so", "/plugins/libplug.so"]


def test_a_miss_lists_everything_that_was_looked_at_in_order(glibc: World) -> None:
    glibc.program("/p", ["libx.so"], *RPATH, "/r1:/r2")
    closure = glibc.session("/p", LoaderEnv(library_path="/v", cpu="baseline")).closure
    (problem,) = closure.errors
    assert [s.path for s in problem.searched[:4]] == [
        "/r1/libx.so",
        "/r2/libx.so",
        "/v/libx.so",
        "/lib/x86_64-linux-gnu/libx.so",
    ]
    assert {s.verdict for s in problem.searched} == {"not there"}
