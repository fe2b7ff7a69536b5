"""Where the program lands in the image, and what several binaries mean (the design, "The command line")."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.support import build, table
from tests.support.cli import scratchpack
from tests.support.tree import names, packed, run

ANSWER = "int answer(void) { return 42; }\n"
ASKS = '#include <stdio.h>\nint answer(void);\nint main(void) { printf("%d\\n", answer()); return 0; }\n'


def program_with_library(home: Path, name: str = "tool", *, runpath: str = "$ORIGIN/../lib", answer: int = 42) -> Path:
    """``home/bin/NAME`` that finds ``home/lib/libanswer.so`` through its runpath."""
    library = build.shared(home / "lib/libanswer.so", f"int answer(void) {{ return {answer}; }}\n")
    return build.cc(home / "bin" / name, ASKS, str(library), f"-Wl,-rpath,{runpath}")


def test_a_binary_outside_the_systems_directories_lands_at_the_top(tmp_path: Path) -> None:
    program = build.cc(tmp_path / "hello", build.HELLO_C)
    tree = packed(tmp_path / "tree", program)
    assert "/hello" in names(tree)
    assert run(tree, "/hello") == "hello from C\n"


def test_what_origin_finds_keeps_its_place_beside_the_program_below_app(tmp_path: Path) -> None:
    program = program_with_library(tmp_path / "home")
    tree = packed(tmp_path / "tree", program)
    assert {"/app/bin/tool", "/app/lib/libanswer.so"} <= set(names(tree))
    assert run(tree, "/app/bin/tool") == "42\n"


def test_a_library_found_by_an_absolute_path_stays_where_it_is_asked_for(tmp_path: Path) -> None:
    home = tmp_path / "home"
    near = build.shared(home / "lib/libnear.so", "int near_(void) { return 1; }\n")
    fixed = build.shared(home / "fixed/libfixed.so", "int fixed(void) { return 2; }\n")
    source = '#include <stdio.h>\nint near_(void), fixed(void);\nint main(void) { printf("%d\\n", near_() + fixed()); return 0; }\n'
    program = build.cc(home / "tool", source, str(near), str(fixed), f"-Wl,-rpath,$ORIGIN/lib:{fixed.parent}")
    tree = packed(tmp_path / "tree", program)
    assert {"/app/tool", "/app/lib/libnear.so", str(fixed)} <= set(names(tree))
    assert run(tree, "/app/tool") == "3\n"


def test_only_what_origin_found_moves_when_the_common_directory_is_the_root(tmp_path: Path) -> None:
    # The library's place has nothing but "/" in common with the program's.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as elsewhere:
        library = build.shared(Path(elsewhere) / "libanswer.so", ANSWER)
        up = "/.." * (len(tmp_path.parts) - 1)
        program = build.cc(tmp_path / "tool", ASKS, str(library), f"-Wl,-rpath,$ORIGIN{up}{elsewhere}")
        tree = packed(tmp_path / "tree", program)
    assert f"/app{tmp_path}/tool" in names(tree)
    assert not any(name.startswith(("/app/usr", "/app/lib")) for name in names(tree))
    assert run(tree, f"/app{tmp_path}/tool") == "42\n"


def test_a_link_beside_the_program_to_a_system_library_stays_a_link_to_it(tmp_path: Path) -> None:
    system = next(Path("/usr/lib/x86_64-linux-gnu").glob("libstdc++.so.6"), None)
    if system is None:
        pytest.skip("no libstdc++.so.6 where Debian has it")
    for target in (str(system), os.path.relpath(system, tmp_path / "home")):
        home = tmp_path / "home"
        home.mkdir()
        (home / "libcopy.so").symlink_to(target)
        program = build.cc(home / "tool", build.HELLO_C, "-Wl,--no-as-needed", str(system), "-Wl,-rpath,$ORIGIN")
        data = program.read_bytes()
        assert data.count(b"libstdc++.so.6\0") == 1
        program.write_bytes(data.replace(b"libstdc++.so.6\0", b"libcopy.so\0\0\0\0\0"))
        tree = packed(tmp_path / "tree", program)
        assert run(tree, "/app/tool") == "hello from C\n"
        assert (tree / "app/libcopy.so").is_symlink()
        shutil.rmtree(home)
        shutil.rmtree(tree)


def test_a_symlinked_binary_is_packed_under_the_name_that_was_given(tmp_path: Path) -> None:
    build.cc(tmp_path / "real", build.HELLO_C, "-static")
    (tmp_path / "short").symlink_to("real")
    tree = packed(tmp_path / "tree", tmp_path / "short")
    assert names(tree) == ["/short"]
    assert not (tree / "short").is_symlink()


def test_origin_of_a_symlinked_binary_is_the_directory_of_the_real_one(tmp_path: Path) -> None:
    program = program_with_library(tmp_path / "home")
    (tmp_path / "link").symlink_to(program)
    tree = packed(tmp_path / "tree", tmp_path / "link")
    assert run(tree, "/app/bin/link") == "42\n"


def test_at_says_where_the_program_lands(tmp_path: Path) -> None:
    static = build.cc(tmp_path / "hello", build.HELLO_C, "-static")
    assert names(packed(tmp_path / "one", static, "--at", "/srv/bin/other")) == ["/srv/bin/other"]
    program = program_with_library(tmp_path / "home")
    tree = packed(tmp_path / "two", program, "--at", "/opt/product/bin/run")
    assert {"/opt/product/bin/run", "/opt/product/lib/libanswer.so"} <= set(names(tree))
    assert run(tree, "/opt/product/bin/run") == "42\n"


@pytest.mark.parametrize("at", ["relative", "/ends/in/", "/short"])
def test_at_that_cannot_hold_is_refused(at: str, tmp_path: Path) -> None:
    program = program_with_library(tmp_path / "home")
    done = scratchpack(program, "--at", at, cwd=tmp_path)
    assert done.status == 2, done.err
    assert "cannot place" in done.err
    assert not (tmp_path / "tool.tar").exists()


def test_a_system_binary_keeps_its_path_and_the_links_that_lead_to_it(tmp_path: Path) -> None:
    tree = packed(tmp_path / "tree", "/bin/true")
    assert (tree / "usr/bin/true").is_file()
    if Path("/bin").is_symlink():
        assert (tree / "bin").is_symlink()
    run(tree, "/bin/true")


def test_several_binaries_of_one_platform_are_one_image_that_starts_the_first(tmp_path: Path) -> None:
    for name in ("first", "second"):
        build.cc(tmp_path / name, build.HELLO_C.replace("hello", name), "-static")
    done = scratchpack("./first", "./second", "-o", "type=oci,tar=false,dest=layout", cwd=tmp_path)
    assert done.status == 0, done.err
    (manifest,) = json.loads((tmp_path / "layout/index.json").read_text())["manifests"]
    blobs = tmp_path / "layout/blobs/sha256"
    image = json.loads((blobs / manifest["digest"].removeprefix("sha256:")).read_text())
    config = json.loads((blobs / image["config"]["digest"].removeprefix("sha256:")).read_text())
    assert config["config"]["Entrypoint"] == ["/first"]
    (layer,) = image["layers"]
    made = table.of_tar(blobs / layer["digest"].removeprefix("sha256:"))
    assert made == {"/first": "file 0755", "/second": "file 0755"}


def test_two_programs_of_one_name_are_refused(tmp_path: Path) -> None:
    for place in ("a", "b"):
        build.cc(tmp_path / place / "same", build.HELLO_C, "-static", f"-DPLACE_{place}")
    done = scratchpack("a/same", "b/same", cwd=tmp_path)
    assert done.status == 2
    assert "cannot place two programs at /same" in done.err


def test_one_program_under_two_names_is_in_the_image_under_both(tmp_path: Path) -> None:
    build.cc(tmp_path / "one", build.HELLO_C, "-static")
    (tmp_path / "two").symlink_to("one")
    tree = packed(tmp_path / "tree", "one", "two", cwd=tmp_path)
    assert names(tree) == ["/one", "/two"]
    assert run(tree, "/two") == "hello from C\n"


def test_two_programs_with_libraries_of_their_own_each_keep_them(tmp_path: Path) -> None:
    one = program_with_library(tmp_path / "one", answer=1)
    two = program_with_library(tmp_path / "two", "other", answer=2)
    tree = packed(tmp_path / "tree", one, two)
    assert run(tree, "/app/one/bin/tool") == "1\n"
    assert run(tree, "/app/two/bin/other") == "2\n"


def test_binaries_of_different_platforms_are_one_index_and_never_mixed(tmp_path: Path) -> None:
    for name, target in (("arm", "aarch64-linux-musl"), ("riscv", "riscv64-linux-musl")):
        build.foreign(tmp_path / name, target)
    shutil.copy(tmp_path / "arm", tmp_path / "arm2")
    done = scratchpack("arm", "riscv", "-o", "type=oci,tar=false,dest=layout", cwd=tmp_path)
    assert done.status == 0, done.err
    (top,) = json.loads((tmp_path / "layout/index.json").read_text())["manifests"]
    index = json.loads((tmp_path / "layout/blobs/sha256" / top["digest"].removeprefix("sha256:")).read_text())
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["arm64", "riscv64"]
    mixed = scratchpack("arm", "riscv", "arm2", cwd=tmp_path)
    assert mixed.status == 2
    assert "cannot pack these binaries together" in mixed.err
    ordered = scratchpack(
        *("arm", "riscv", "--platform", "linux/riscv64,linux/arm64", "-o", "type=oci,tar=false,dest=ordered"),
        cwd=tmp_path,
    )
    assert ordered.status == 0, ordered.err
    (top,) = json.loads((tmp_path / "ordered/index.json").read_text())["manifests"]
    index = json.loads((tmp_path / "ordered/blobs/sha256" / top["digest"].removeprefix("sha256:")).read_text())
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["riscv64", "arm64"]
