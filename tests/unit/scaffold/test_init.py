"""``init``: what a repository is, from its build files alone, and files that are never replaced."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scratchpack.errors import OutputError, UsageError
from scratchpack.scaffold.detect import detect
from scratchpack.scaffold.init import carry_out, plan
from tests.support.cli import HOME, scratchpack

if TYPE_CHECKING:
    from pathlib import Path

# files of a repository, then what it is: language, name, package, build system
REPOSITORIES: dict[str, tuple[dict[str, str], tuple[str, str, str | None, str | None]]] = {
    "go": (
        {"go.mod": "module example.com/team/hello/v2\n", "main.go": "package main\n"},
        ("go", "hello", ".", None),
    ),
    "go-commands": (
        {"go.mod": "module example.com/x\n", "x.go": "package x\n", "cmd/serve/main.go": "package main\n"},
        ("go", "serve", "./cmd/serve", None),
    ),
    "go-cgo": (
        {"go.mod": "module hello\n", "main.go": 'package main\n\nimport "C"\n'},
        ("go-cgo", "hello", ".", None),
    ),
    "rust": ({"Cargo.toml": '[package]\nname = "hello"\n'}, ("rust", "hello", "hello", None)),
    "rust-bin": (
        {"Cargo.toml": '[package]\nname = "x"\n[[bin]]\nname = "tool"\npath = "src/tool.rs"\n'},
        ("rust", "tool", "tool", None),
    ),
    "rust-workspace": (
        {
            "Cargo.toml": '[workspace]\nmembers = ["crates/*", "../outside"]\n',
            "crates/lib/Cargo.toml": '[package]\nname = "lib"\n',
            "crates/lib/src/lib.rs": "",
            "crates/serve/Cargo.toml": '[package]\nname = "server"\n',
            "crates/serve/src/main.rs": "",
        },
        ("rust", "server", "server", None),
    ),
    "rust-src-bin": (
        {"Cargo.toml": '[package]\nname = "x"\n', "src/lib.rs": "", "src/bin/tool.rs": ""},
        ("rust", "tool", "tool", None),
    ),
    "go-quoted": (
        {"go.mod": 'module "example.com/hello" // a comment\n', "main.go": "package main\n"},
        ("go", "hello", ".", None),
    ),
    "go-elsewhere": (
        {
            "go.mod": "module example.com/x\n",
            "cmd/lib/x.go": "package lib\n",
            "server/main.go": "package main\n",
            "gen.go": "//go:build ignore\n\npackage main\n",
        },
        ("go", "server", "./server", None),
    ),
    "zig": (
        {"build.zig": 'const exe = b.addExecutable(.{\n    .name = "hello",\n});\n'},
        ("zig", "hello", "hello", None),
    ),
    "cmake-c": (
        {"CMakeLists.txt": "project(x C)\nadd_executable(hello main.c)\n"},
        ("c", "hello", "hello", "cmake"),
    ),
    "cmake": (
        {"CMakeLists.txt": "project(x LANGUAGES C CXX)\nadd_executable( hello main.cpp)\n"},
        ("cpp", "hello", "hello", "cmake"),
    ),
    "meson": (
        {"meson.build": "project('x', 'cpp')\nexecutable('hello', 'a.cpp')\n"},
        ("cpp", "hello", "hello", "meson"),
    ),
    "cmake-project-name": (
        {"CMakeLists.txt": "project(hello C)\nadd_executable(${PROJECT_NAME} main.c)\n"},
        ("c", "hello", "hello", "cmake"),
    ),
    "cmake-below": (
        {
            "CMakeLists.txt": "project(x C)\nadd_subdirectory(src)\n",
            "src/CMakeLists.txt": "add_executable(hello a.c)\n",
        },
        ("c", "hello", "hello", "cmake"),
    ),
    "meson-below": (
        {"meson.build": "project('x', 'c')\nsubdir('src')\n", "src/meson.build": "executable('hello', 'a.c')\n"},
        ("c", "hello", "src/hello", "meson"),
    ),
    "make": ({"Makefile": "PROG = hello\nall: hello\n", "hello.c": ""}, ("c", "hello", "hello", "make")),
    "make-cpp": ({"Makefile": "TARGET := bin/x\n", "src/x.cc": ""}, ("cpp", "x", "bin/x", "make")),
    "haskell": (
        {"hello.cabal": "name: pkg\n\nexecutable hello\n  main-is: Main.hs\n"},
        ("haskell", "hello", "exe:hello", None),
    ),
    "d": ({"dub.json": '{"name": "x", "targetName": "hello"}'}, ("d", "hello", "hello", None)),
    "d-path": ({"dub.json": '{"name": "hello", "targetPath": "out"}'}, ("d", "hello", "out/hello", None)),
    "d-sdl-path": ({"dub.sdl": 'name "x"\ntargetName "hello"\ntargetPath "out"\n'}, ("d", "hello", "out/hello", None)),
    "d-sdl": ({"dub.sdl": 'name "hello"\n'}, ("d", "hello", "hello", None)),
    "nim": (
        {"x.nimble": 'srcDir = "src"\nbin = @["hello"]\n'},
        ("nim", "hello", "src/hello.nim", None),
    ),
    "ocaml": (
        {"dune-project": "(lang dune 2.0)\n", "bin/dune": "(executable\n (name main)\n (public_name hello))\n"},
        ("ocaml", "hello", "bin/main.exe", None),
    ),
    "swift": (
        {"Package.swift": 'let p = Package(name: "P", targets: [\n  .executableTarget(\n    name: "hello")])\n'},
        ("swift", "hello", "hello", None),
    ),
    "crystal": (
        {"shard.yml": "name: hello\ntargets:\n  hello:\n    main: src/go.cr\n"},
        ("crystal", "hello", "src/go.cr", None),
    ),
    "dotnet-with-tests": (
        {
            "A.Tests/A.Tests.csproj": "<Project/>",
            "Hello/Hello.csproj": "<Project><OutputType>Exe</OutputType></Project>",
        },
        ("dotnet", "Hello", "Hello", None),
    ),
    "dotnet": (
        {"app/Hello.csproj": "<Project><AssemblyName>hello</AssemblyName></Project>"},
        ("dotnet", "hello", "hello", None),
    ),
}


def _lay(home: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return home


@pytest.mark.parametrize("case", REPOSITORIES)
def test_a_repository_is_what_its_build_file_says(case: str, tmp_path: Path) -> None:
    files, expected = REPOSITORIES[case]
    planned = plan(_lay(tmp_path, files))
    found = planned.found
    assert (found.language, found.name, found.package, found.build_system) == expected
    dockerfile = next(file.text for file in planned.files if file.path.name == "Dockerfile")
    assert f'ENTRYPOINT ["/{found.name}"]' in dockerfile
    assert [file.path.name for file in planned.files] == ["Dockerfile", ".dockerignore", "scratchpack.mk"]


@pytest.mark.parametrize(
    ("file", "text"),
    [("CMakeLists.txt", "add_subdirectory(a)\n"), ("Cargo.toml", "[workspace]\n"), ("dune-project", "(lang dune 2.0)\n"),
     ("build.zig", ""), ("go.mod", "go 1.27\n")],
)  # fmt: skip
def test_a_repository_without_a_name_has_its_directorys_and_the_working_directory_has_one(
    file: str, text: str, tmp_path: Path
) -> None:
    home = tmp_path / "hello"
    _lay(home, {file: text})
    shown = scratchpack("init", "--yes", cwd=home)
    assert shown.status == 0, shown.err
    assert 'ENTRYPOINT ["/hello"]' in (home / "Dockerfile").read_text()


@pytest.mark.parametrize("name", ["$(reboot)", "a;b", "a b", "a`b`"])
def test_a_name_that_make_or_a_shell_would_read_more_into_is_refused(name: str, tmp_path: Path) -> None:
    """S12: the two lines are copied into a Makefile, whose recipes a shell runs."""
    _lay(tmp_path, {"dub.json": f'{{"name": "{name}"}}'})
    with pytest.raises(UsageError, match="make and the shell would read more into it"):
        plan(tmp_path)


def test_a_file_name_that_a_terminal_would_obey_is_passed_over(tmp_path: Path) -> None:
    """S12: an escape sequence in the name of a build file is not shown."""
    _lay(tmp_path, {"a\x1b[2J.cabal": "name: x\n", "b.cabal": "name: y\n"})
    assert [found.because for found in detect(tmp_path)] == ["b.cabal"]


def test_what_the_languages_own_build_left_stays_out_of_the_build_stage(tmp_path: Path) -> None:
    _lay(tmp_path, {"Cargo.toml": '[package]\nname = "hello"\n'})
    ignored = next(file.text for file in plan(tmp_path).files if file.path.name == ".dockerignore")
    assert "\ntarget\n" in ignored


def test_the_most_telling_file_wins_and_the_others_are_named(tmp_path: Path) -> None:
    _lay(tmp_path, {"go.mod": "module hello\n", "Cargo.toml": "not toml", "Makefile": "", "a.c": ""})
    planned = plan(tmp_path)
    assert planned.found.language == "go"
    assert [other.language for other in planned.others] == ["rust", "c"]
    assert plan(tmp_path, language="rust").found.because == "Cargo.toml"
    assert plan(tmp_path, language="nim").found.because == "--language"


def test_a_repository_without_a_build_file_is_refused(tmp_path: Path) -> None:
    assert detect(tmp_path) == ()
    with pytest.raises(UsageError, match="cannot tell what"):
        plan(tmp_path)
    with pytest.raises(UsageError, match="not a directory"):
        plan(tmp_path / "none")


def test_a_hostile_name_in_a_build_file_is_refused_or_quoted(tmp_path: Path) -> None:
    """S12: a repository cannot put an instruction into the Dockerfile that init writes."""
    _lay(tmp_path, {"Cargo.toml": '[package]\nname = "x\\nRUN y"\n'})
    with pytest.raises(UsageError, match="cannot use --"):
        plan(tmp_path)


def test_nothing_is_written_where_one_file_is_in_the_way(tmp_path: Path) -> None:
    _lay(tmp_path, {"go.mod": "module hello\n", "Dockerfile": "mine\n"})
    planned = plan(tmp_path)
    with pytest.raises(OutputError, match="cannot write what is there already") as caught:
        carry_out(planned.files)
    assert caught.value.details == (str(tmp_path / "Dockerfile"),)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Dockerfile", "go.mod"]
    carry_out(planned.files, force=True)
    assert (tmp_path / "Dockerfile").read_text().startswith("# Go")


def test_a_link_that_leads_nowhere_is_in_the_way_too(tmp_path: Path) -> None:
    """S17: found before the first file is written."""
    _lay(tmp_path, {"go.mod": "module hello\n"})
    (tmp_path / ".dockerignore").symlink_to("nowhere")
    with pytest.raises(OutputError, match="cannot write what is there already"):
        carry_out(plan(tmp_path).files)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".dockerignore", "go.mod"]


@pytest.mark.parametrize(("answer", "written"), [("y", True), ("n", False), ("", False)])
def test_on_a_terminal_it_asks_and_takes_no_for_an_answer(answer: str, written: bool, tmp_path: Path) -> None:
    _lay(tmp_path, {"go.mod": "module hello\n"})
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [sys.executable, "-m", "scratchpack", "init", tmp_path],
            stdin=theirs, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(HOME)},
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.stderr.index("write ") < done.stderr.index("Write these files?")
    assert (tmp_path / "Dockerfile").exists() == (tmp_path / "scratchpack.mk").exists() == written
    assert (done.returncode == 0) == written


def test_what_will_be_done_is_shown_first_and_only_done_when_agreed(tmp_path: Path) -> None:
    _lay(tmp_path, {"go.mod": "module hello\n", "Makefile": "all:\n"})
    shown = scratchpack("init", tmp_path, "--dry-run")
    assert shown.status == 0
    assert "go.mod: go, program hello" in shown.err
    assert f"write {tmp_path}/Dockerfile" in shown.err
    assert shown.out == ""
    (tmp_path / "scratchpack.mk").write_text("")
    assert scratchpack("init", tmp_path).status == 7, "not asked what would then be refused"
    (tmp_path / "scratchpack.mk").unlink()
    asked = scratchpack("init", tmp_path)
    assert (asked.status, asked.out) == (2, "")
    assert "--yes" in asked.err
    assert not (tmp_path / "Dockerfile").exists()
    done = scratchpack("init", "--yes", cwd=tmp_path)
    assert done.out.split() == ["Dockerfile", ".dockerignore", "scratchpack.mk"]
    assert "BINARY := ./hello" in done.err
    (tmp_path / "Makefile").write_text("BINARY := ./hello\ninclude scratchpack.mk\n")
    assert "BINARY" not in scratchpack("init", "--yes", "--force", cwd=tmp_path).err


@pytest.mark.parametrize(
    "text",
    ['[workspace]\nmembers = ["/etc", "/", "", "../..", "a\\u0000b", "**", "**/**", "a**", 3, [], {a = 1}, 2026-01-01]', "[package]\nname = 2026-01-01",
     "[package]\nname = 3", '[[bin]]\nname = ["x"]', "bin = 3\npackage = 4\nworkspace = 5", "a = " + "[" * 5000, "a = " + "9" * 5000, "a" + ".a" * 200_000 + " = 1"],
)  # fmt: skip
def test_a_cargo_file_of_a_stranger_is_read_or_passed_over(text: str, tmp_path: Path) -> None:
    """S5: absolute members, patterns that are none, dates for names, depth, digits."""
    (tmp_path / "Cargo.toml").write_text(text)
    (tmp_path / "src").mkdir()
    (tmp_path / "src/main.rs").write_text("fn main() {}\n")
    assert [found.name for found in detect(tmp_path)][:1] == [tmp_path.name]


@pytest.mark.parametrize(
    "text", ['{"name": 3}', "[" * 50_000, '{"name": "\\ud800"}', '{"targetName": ["a"]}', "9" * 5000]
)
def test_a_dub_file_of_a_stranger_is_read_or_passed_over(text: str, tmp_path: Path) -> None:
    (tmp_path / "dub.json").write_text(text)
    for found in detect(tmp_path):
        found.name.encode()


def test_a_fifo_as_source_is_not_waited_for(tmp_path: Path) -> None:
    """S6."""
    (tmp_path / "go.mod").write_text("module example.org/x\n")
    os.mkfifo(tmp_path / "x.go")
    assert detect(tmp_path)[0].name == "x"
