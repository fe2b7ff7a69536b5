"""No program takes a name that means something else in an image: an engine's mount would hide it, or it would stand where a directory should."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.support.cli import scratchpack
from tests.support.tree import packed, run

if TYPE_CHECKING:
    from pathlib import Path

KEEPS = '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { char n[] = "/tmp/aXXXXXX"; return puts("ok") < 0 || mkstemp(n) < 0; }\n'


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A static program that makes a temporary file."""
    return build.cc(tmp_path_factory.mktemp("names") / "program", KEEPS, "-static").read_bytes()


def named(static: bytes, name: str, home: Path) -> str:
    (home / name).write_bytes(static)
    (home / name).chmod(0o755)
    return f"./{name}"


@pytest.mark.parametrize("name", ["tmp", "dev", "proc", "sys", "etc", "run", "lib", "usr", "var", "home"])
def test_it_lands_in_app_and_the_report_says_so(name: str, static: bytes, tmp_path: Path) -> None:
    program = named(static, name, tmp_path)
    done = scratchpack("pack", program, "-o", "type=local,dest=tree", cwd=tmp_path)
    assert done.status == 0, done.err
    assert f"{program} is placed at /app/{name}" in done.err
    assert run(tmp_path / "tree", f"/app/{name}") == "ok\n"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("data", ["--volume=/data"]),
        ("data", ["--volume=/data/deep"]),
        ("work", ["--workdir=/work"]),
        ("spool", ["--directory=/spool:1733"]),
        ("conf", ["--include=x:/conf/x"]),
        ("app", ["--workdir=/app"]),
    ],
)
def test_the_name_of_any_directory_that_the_image_has_is_taken(
    name: str, words: list[str], static: bytes, tmp_path: Path
) -> None:
    (tmp_path / "x").touch()
    program = named(static, name, tmp_path)
    tree = packed(tmp_path / "tree", program, *words, cwd=tmp_path)
    assert run(tree, f"/app/{name}") == "ok\n"


def test_a_program_called_app_makes_room_for_another_that_has_to_lie_in_app(static: bytes, tmp_path: Path) -> None:
    tree = packed(tmp_path / "tree", named(static, "app", tmp_path), named(static, "etc", tmp_path), cwd=tmp_path)
    assert run(tree, "/app/app") == run(tree, "/app/etc") == "ok\n"


@pytest.mark.parametrize("name", ["tool", "devel", "app", "temp"])
def test_another_name_stands_at_the_top_without_a_word(name: str, static: bytes, tmp_path: Path) -> None:
    program = named(static, name, tmp_path)
    done = scratchpack("pack", program, "-o", "type=local,dest=tree", cwd=tmp_path)
    assert "is placed at" not in done.err
    assert (tmp_path / "tree" / name).is_file()


@pytest.mark.parametrize("at", ["/tmp", "/dev", "/etc", "/proc/tool", "/dev/shm/tool", "/data"])
def test_nobody_can_ask_for_such_a_place(at: str, static: bytes, tmp_path: Path) -> None:
    program = named(static, "tool", tmp_path)
    done = scratchpack(program, f"--at={at}", "--volume=/data", cwd=tmp_path)
    assert done.status == 2, done.err
    assert at in done.err
    assert not (tmp_path / "tool.tar").exists()
