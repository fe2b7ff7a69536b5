"""The Makefile part with a real make: rebuilt only when something changed, -j, the environment, a missing tool, spaces (T9, T10)."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scratchpack.scaffold.parts import PartWishes, part
from tests.support import tools
from tests.support.cli import HOME

if TYPE_CHECKING:
    from pathlib import Path

MAKEFILE = """\
BINARY := ./hello
include scratchpack.mk
all:
\t@echo all
hello: hello.c
\tgcc -static -s -o $@ $<
"""
HELLO = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'


class Repository:
    """A repository with the two lines in its Makefile."""

    def __init__(self, home: Path) -> None:
        tools.need("gcc", package="gcc")
        self.home = home
        self.image = home / "hello.tar"
        (home / "Makefile").write_text(MAKEFILE)
        (home / "hello.c").write_text(HELLO)
        (home / "scratchpack.mk").write_text(part("make", PartWishes()))
        self.bin = home / "bin"
        self.bin.mkdir()
        self.tool("scratchpack", self.bin)

    def tool(self, name: str, place: Path) -> None:
        """What pip and pipx leave in a directory: a script that starts Python with the package in it."""
        place.mkdir(parents=True, exist_ok=True)
        script = place / name
        script.write_text(f'#!/bin/sh\nPYTHONPATH="{HOME}" exec "{sys.executable}" -m scratchpack "$@"\n')
        script.chmod(0o755)

    def make(self, *words: str, status: int = 0, path: str | None = None, **env: str) -> str:
        """Run make; what it printed on both streams."""
        program = tools.need("make", package="make")
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("SCRATCHPACK", "PYTHON", "MAKE"))
        }
        done = subprocess.run(
            [program, *words],
            cwd=self.home,
            env={**clean, "PATH": path or f"{self.bin}:/usr/bin:/bin", "HOME": str(self.home), **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout
        return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A new one."""
    return Repository(tmp_path)


def test_the_part_does_not_take_the_default_goal(repository: Repository) -> None:
    assert repository.make() == "all\n"


def test_the_image_is_packed_again_only_when_the_program_or_an_option_changed(repository: Repository) -> None:
    assert "scratchpack pack ./hello" in repository.make("image")
    first = repository.image.stat().st_mtime_ns
    assert "pack" not in repository.make("image")
    assert repository.image.stat().st_mtime_ns == first
    assert "scratchpack pack" in repository.make("image", "SCRATCHPACK_USER=0")
    assert "scratchpack pack" not in repository.make("image", SCRATCHPACK_USER="0")
    assert "scratchpack pack" in repository.make("image")
    for value in ("a=1\nb=2", "a=1\nb=3"):
        assert "scratchpack pack" in repository.make("image", SCRATCHPACK_LABEL=value), "a value of two lines"
        assert "scratchpack pack" not in repository.make("image", SCRATCHPACK_LABEL=value)
    repository.make("image")
    (repository.home / "hello.c").write_text(HELLO.replace("hello", "other"))
    os.utime(repository.home / "hello.c", (2**31, 2**31))
    before = repository.image.read_bytes()
    said = repository.make("image")
    assert "gcc -static" in said
    assert "scratchpack pack" in said
    assert repository.image.read_bytes() != before


def test_options_come_from_the_environment_without_a_shell_in_between(repository: Repository) -> None:
    said = repository.make("image", SCRATCHPACK_LABEL="'a=it is; $(touch bad)'", IMAGE="it:1")
    assert "--tag 'it:1'" in said
    assert not (repository.home / "bad").exists()
    assert b"it is; $(touch bad)" in repository.image.read_bytes()


def test_parallel_targets_do_not_disturb_each_other(repository: Repository) -> None:
    repository.make("-j8", "image", "dockerfile", "image-inspect", "image-verify")
    assert repository.image.exists()
    assert sorted(path.name for path in (repository.home / "hello.dockerfile").iterdir()) == [
        "Dockerfile",
        "rootfs.tar",
    ]
    repository.make("-j8", "dockerfile", "image")
    repository.make("image-clean")
    left = {path.name for path in repository.home.iterdir()}
    assert left == {"Makefile", "hello.c", "hello", "scratchpack.mk", "bin"}


def test_a_tool_in_pipxs_place_or_in_python_is_found(repository: Repository) -> None:
    (repository.bin / "scratchpack").unlink()
    repository.tool("scratchpack", repository.home / ".local/bin")
    assert ".local/bin/scratchpack pack" in repository.make("image")
    repository.make("image-clean")
    (repository.home / ".local/bin/scratchpack").unlink()
    python = repository.bin / "python3"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{HOME}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    assert "python3 -m scratchpack pack" in repository.make("image")


def test_a_missing_tool_is_said_clearly(repository: Repository) -> None:
    nothing = repository.bin / "python3"
    nothing.write_text("#!/bin/sh\nexit 1\n")
    nothing.chmod(0o755)
    (repository.bin / "scratchpack").unlink()
    for words in (("image",), ("image", "SCRATCHPACK=/nowhere/scratchpack")):
        said = repository.make(*words, status=2)
        assert "scratchpack is not installed: run 'pipx install scratchpack'" in said


def test_spaces_and_missing_names_are_refused_clearly(repository: Repository) -> None:
    assert "without spaces; it is './a b'" in repository.make("image", "BINARY=./a b", status=2)
    assert "must not hold spaces" in repository.make("image", "IMAGE_DIR=a b", status=2)
    assert "image-push needs a name" in repository.make("hello", "image-push", status=2)


def test_the_help_names_every_target(repository: Repository) -> None:
    said = repository.make("help")
    for target in ("image", "image-load", "image-push", "image-inspect", "image-verify", "dockerfile", "image-clean"):
        assert f"\n  {target} " in said


def test_the_part_uses_nothing_newer_than_make_3_81() -> None:
    text = part("make", PartWishes())
    for newer in ("&:", ".ONESHELL", "$(file", "!=", "::=", "undefine", "$(let", "$(intcmp", ".EXTRA_PREREQS"):
        assert newer not in text
