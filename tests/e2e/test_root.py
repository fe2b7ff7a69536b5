"""``--root``: a sysroot seen like a chroot, of which the host's own files are no part (S8, S23, R2, R23, R24)."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tests.e2e.test_placement import ANSWER, ASKS, program_with_library
from tests.support import build, table, tools
from tests.support.cli import scratchpack
from tests.support.tree import names, packed, run

LOADER = "/lib64/ld-linux-x86-64.so.2"
LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small glibc root of this machine's own loader and C library, with usr-merge links."""
    if not (Path(LIBC).exists() and Path(LOADER).exists()):
        pytest.skip("not a Debian for x86-64: the loader and the C library stand elsewhere")
    root = tmp_path / "root"
    libraries = root / LIBC[1:]
    libraries.parent.mkdir(parents=True)
    (root / "usr/lib64").mkdir()
    for name in ("lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    shutil.copy(LIBC, libraries)
    shutil.copy(Path(LOADER).resolve(), libraries.parent / "ld-linux-x86-64.so.2")
    # An absolute link: inside the root it leads into the root.
    (root / "usr/lib64/ld-linux-x86-64.so.2").symlink_to("/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
    return root


def test_a_binary_named_inside_the_root_keeps_its_path_with_every_link_on_the_way(root: Path, tmp_path: Path) -> None:
    build.cc(root / "srv/real/tool", build.HELLO_C)
    (root / "srv/current").symlink_to("/srv/real")
    tree = packed(tmp_path / "tree", "--root", root, "/srv/current/tool")
    assert table.of_directory(tree) == {
        "/lib": "symlink usr/lib",
        "/lib64": "symlink usr/lib64",
        "/srv": "dir 0755",
        "/srv/current": "symlink /srv/real",
        "/srv/real": "dir 0755",
        "/srv/real/tool": "file 0755",
        "/usr": "dir 0755",
        "/usr/lib": "dir 0755",
        "/usr/lib/x86_64-linux-gnu": "dir 0755",
        "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": "file 0755",
        "/usr/lib/x86_64-linux-gnu/libc.so.6": "file 0755",
        "/usr/lib64": "dir 0755",
        "/usr/lib64/ld-linux-x86-64.so.2": "symlink /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    }
    assert run(tree, "/srv/current/tool") == "hello from C\n"


def test_a_relative_binary_is_on_the_host_and_brings_its_origin_libraries_from_there(
    root: Path, tmp_path: Path
) -> None:
    program_with_library(tmp_path / "home")
    tree = packed(tmp_path / "tree", "--root", "root", "home/bin/tool", cwd=tmp_path)
    assert "/app/lib/libanswer.so" in names(tree)
    assert run(tree, "/app/bin/tool") == "42\n"
    (root / LIBC[1:]).unlink()
    done = scratchpack("--root", "root", "home/bin/tool", cwd=tmp_path)
    assert done.status == 4
    assert "libc.so.6: not found" in done.err


def test_a_name_that_is_not_in_the_root_says_both_places(root: Path, tmp_path: Path) -> None:
    program = build.cc(tmp_path / "tool", build.HELLO_C)
    absolute = scratchpack("--root", root, program)
    assert absolute.status == 2
    assert f"in {root}: no {program}" in absolute.err
    assert f"on the host: {program} exists" in absolute.err
    build.cc(root / "usr/bin/tool", build.HELLO_C)
    relative = scratchpack("--root", root, "usr/bin/tool", cwd=tmp_path)
    assert relative.status == 2
    assert f"in {root}: /usr/bin/tool exists" in relative.err


@pytest.mark.parametrize("named", ["/srv/loop", "/srv/deep/file"])
def test_a_loop_of_links_is_refused(named: str, root: Path, tmp_path: Path) -> None:
    (root / "srv").mkdir()
    (root / "srv/loop").symlink_to("loop")
    (root / "srv/deep").symlink_to("/srv/deep")
    done = scratchpack("--root", root, named, cwd=tmp_path)
    assert done.status == 3
    assert "symbolic links" in done.err
    assert os.listdir(tmp_path) == ["root"]


def test_a_link_that_climbs_out_stays_inside(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret")
    (root / "data").symlink_to("../../../../../../.." + str(tmp_path / "outside"))
    build.cc(root / "tool", build.HELLO_C)
    done = scratchpack("--root", root, "/tool", "--include", "/data", cwd=tmp_path)
    assert done.status == 2
    assert "/data" in done.err


def test_hard_links_of_the_root_are_hard_links_in_the_image(root: Path, tmp_path: Path) -> None:
    library = build.shared(root / "opt/lib/libanswer.so", ANSWER)
    second = build.shared(tmp_path / "libother.so", ANSWER)
    os.link(library, root / "opt/lib/libother.so")
    program = build.cc(root / "opt/tool", ASKS, "-Wl,--no-as-needed", str(library), str(second), "-Wl,-rpath,/opt/lib")
    assert program.is_file()
    tree = packed(tmp_path / "tree", "--root", root, "/opt/tool")
    made = table.of_directory(tree)
    assert {path: line for path, line in made.items() if path.startswith("/opt/lib/")} == {
        "/opt/lib/libanswer.so": "file 0644",
        "/opt/lib/libother.so": "same as /opt/lib/libanswer.so",
    }
    assert run(tree, "/opt/tool") == "42\n"


def test_a_second_name_of_a_loaded_library_travels_as_the_link_it_is(root: Path, tmp_path: Path) -> None:
    library = build.shared(root / "opt/lib/libanswer.so", ANSWER)
    second = build.shared(tmp_path / "libother.so", ANSWER)
    (root / "opt/lib/libother.so").symlink_to("libanswer.so")
    build.cc(root / "opt/tool", ASKS, "-Wl,--no-as-needed", str(library), str(second), "-Wl,-rpath,/opt/lib")
    tree = packed(tmp_path / "tree", "--root", root, "/opt/tool")
    made = table.of_directory(tree)
    assert {path: line for path, line in made.items() if path.startswith("/opt/lib/")} == {
        "/opt/lib/libanswer.so": "file 0644",
        "/opt/lib/libother.so": "symlink libanswer.so",
    }
    assert run(tree, "/opt/tool") == "42\n"


def test_what_the_root_preloads_travels_with_the_file_that_says_so(root: Path, tmp_path: Path) -> None:
    """R14."""
    says = (
        '#include <stdio.h>\n__attribute__((constructor)) static void hi(void) { puts("preloaded"); fflush(stdout); }\n'
    )
    build.shared(root / "opt/lib/libhi.so", says)
    (root / "etc").mkdir()
    (root / "etc/ld.so.preload").write_text("/opt/lib/libhi.so\n")
    build.cc(root / "opt/tool", build.HELLO_C)
    tree = packed(tmp_path / "tree", "--root", root, "/opt/tool")
    assert run(tree, "/opt/tool") == "preloaded\nhello from C\n"


def test_musls_path_file_travels_with_the_libraries_it_leads_to(tmp_path: Path) -> None:
    """R19."""
    loader = tools.need("/lib/ld-musl-x86_64.so.1", package="musl")
    root = tmp_path / "root"
    library = build.shared(root / "srv/lib/libanswer.so", ANSWER, compiler="musl-gcc")
    build.cc(root / "srv/tool", ASKS, str(library), compiler="musl-gcc")
    (root / "lib").mkdir()
    shutil.copy(Path(loader).resolve(), root / "lib/ld-musl-x86_64.so.1")
    (root / "etc").mkdir()
    (root / "etc/ld-musl-x86_64.path").write_text("/srv/lib\n")
    tree = packed(tmp_path / "tree", "--root", root, "/srv/tool")
    assert "/etc/ld-musl-x86_64.path" in names(tree)
    assert run(tree, "/srv/tool") == "42\n"


def test_a_path_with_dots_has_in_the_image_every_directory_that_it_passes(root: Path, tmp_path: Path) -> None:
    library = build.shared(root / "opt/y/libanswer.so", ANSWER)
    (root / "opt/real/x").mkdir(parents=True)
    (root / "opt/real/y").symlink_to("/opt/y")
    (root / "opt/x").symlink_to("real/x")
    build.cc(root / "opt/tool", ASKS, str(library), "-Wl,-rpath,/opt/x/../y")
    tree = packed(tmp_path / "tree", "--root", root, "/opt/tool")
    assert (tree / "opt/real/x").is_dir()
    assert run(tree, "/opt/tool") == "42\n"


def with_cache(root: Path) -> None:
    """A library outside of the default directories that only the root's own cache names."""
    ldconfig = tools.need("ldconfig", package="libc-bin")
    library = build.shared(root / "srv/lib/libanswer.so", ANSWER)
    build.cc(root / "usr/bin/tool", ASKS, str(library))
    (root / "etc").mkdir()
    (root / "etc/ld.so.conf").write_text("/srv/lib\n")
    build.run([ldconfig, "-r", root])


def test_a_library_that_only_the_cache_names_gets_a_generated_cache(root: Path, tmp_path: Path) -> None:
    with_cache(root)
    tree = packed(tmp_path / "tree", "--root", root, "/usr/bin/tool")
    ldconfig = tools.need("ldconfig", package="libc-bin")
    cache = tree / "etc/ld.so.cache"
    listed = subprocess.run([ldconfig, "-p", "-C", cache], capture_output=True, text=True, check=True)
    assert "libanswer.so (libc6,x86-64) => /srv/lib/libanswer.so" in listed.stdout
    assert run(tree, "/usr/bin/tool") == "42\n"


@pytest.mark.parametrize("harm", ["truncated", "text", "outside", "offsets"])
def test_a_hostile_cache_of_the_root_does_not_break_the_run(harm: str, root: Path, tmp_path: Path) -> None:
    with_cache(root)
    cache = root / "etc/ld.so.cache"
    data = cache.read_bytes()
    match harm:
        case "truncated":
            cache.write_bytes(data[:70])
        case "text":
            cache.write_bytes(b"glibc-ld.so.cache1.1" + b"\xff" * 2000)
        case "outside":
            cache.write_bytes(data.replace(b"/srv/lib/libanswer.so", b"/../../../../tmp/x.so"))
        case "offsets":
            cache.write_bytes(data[:20] + struct.pack("<II", 0x7FFFFFFF, 0x7FFFFFFF) + data[28:])
    done = scratchpack("--root", root, "/usr/bin/tool", cwd=tmp_path, timeout=20)
    assert done.status == 4
    assert "libanswer.so: not found" in done.err
    assert not (tmp_path / "tool.tar").exists()


def test_a_hostile_ld_so_conf_neither_leaves_the_root_nor_runs_on(root: Path, tmp_path: Path) -> None:
    with_cache(root)
    (root / "etc/ld.so.cache").unlink()
    (root / "etc/ld.so.conf").write_text(
        "include /etc/ld.so.conf\ninclude ../../../../etc/*\ninclude /**/*\n/srv/lib\n"
    )
    done = scratchpack("--root", root, "/usr/bin/tool", cwd=tmp_path, timeout=20)
    assert done.status == 4
    assert "Traceback" not in done.err


def test_a_relative_needed_is_looked_up_from_the_working_directory(root: Path, tmp_path: Path) -> None:
    """R7."""
    build.shared(root / "srv/libs/libanswer.so", ANSWER, soname="libs/libanswer.so")
    build.cc(root / "usr/bin/tool", ASKS, str(root / "srv/libs/libanswer.so"))
    done = scratchpack("--root", root, "/usr/bin/tool", cwd=tmp_path)
    assert done.status == 4
    tree = packed(tmp_path / "tree", "--root", root, "/usr/bin/tool", "--workdir", "/srv")
    assert run(tree, "/usr/bin/tool", cwd="/srv") == "42\n"


def test_a_library_path_of_the_image_is_searched(root: Path, tmp_path: Path) -> None:
    """R29."""
    library = build.shared(root / "srv/lib/libanswer.so", ANSWER)
    build.cc(root / "usr/bin/tool", ASKS, str(library))
    tree = packed(tmp_path / "tree", "--root", root, "/usr/bin/tool", "-e", "LD_LIBRARY_PATH=/srv/lib")
    assert run(tree, "/usr/bin/tool", env={"LD_LIBRARY_PATH": "/srv/lib"}) == "42\n"
    assert scratchpack("--root", root, "/usr/bin/tool", cwd=tmp_path).status == 4


@pytest.mark.parametrize("kind", ["text", "empty", "foreign"])
def test_what_stands_where_a_library_should_and_is_none_is_never_packed(kind: str, root: Path, tmp_path: Path) -> None:
    """S7."""
    library = build.shared(root / "srv/lib/libanswer.so", ANSWER)
    build.cc(root / "usr/bin/tool", ASKS, str(library), "-Wl,-rpath,/srv/lib")
    match kind:
        case "text":
            library.write_text("INPUT(libelse.so)\n")
        case "empty":
            library.write_bytes(b"")
        case "foreign":
            data = bytearray(library.read_bytes())
            data[18:20] = (183).to_bytes(2, "little")  # EM_AARCH64
            library.write_bytes(data)
    done = scratchpack("--root", root, "/usr/bin/tool", cwd=tmp_path)
    assert (done.status, done.out) == (4, "")
    assert "/srv/lib/libanswer.so" in done.err
    assert not (tmp_path / "tool.tar").exists()


def test_variants_for_other_processors_travel_as_cpu_says(root: Path, tmp_path: Path) -> None:
    """R9: the baseline always does."""
    plain = build.shared(root / "srv/lib/libanswer.so", ANSWER)
    for level in ("v2", "v3"):
        build.shared(root / f"srv/lib/glibc-hwcaps/x86-64-{level}/libanswer.so", ANSWER)
    build.cc(root / "usr/bin/tool", ASKS, str(plain), "-Wl,-rpath,/srv/lib")

    def kept(cpu: str) -> list[str]:
        tree = packed(tmp_path / cpu, "--root", root, "/usr/bin/tool", "--cpu", cpu)
        assert run(tree, "/usr/bin/tool") == "42\n"
        return [name.removeprefix("/srv/lib/") for name in names(tree) if name.startswith("/srv/lib/")]

    baseline, two, three = (
        "libanswer.so",
        "glibc-hwcaps/x86-64-v2/libanswer.so",
        "glibc-hwcaps/x86-64-v3/libanswer.so",
    )
    assert kept("all") == [two, three, baseline]
    assert kept("baseline") == [baseline]
    assert baseline in kept("x86-64-v2")
