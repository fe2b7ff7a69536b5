"""Words are read before the input, and a command refuses what would have no effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program whose library is gone: packing it ends with 4."""
    home = tmp_path_factory.mktemp("broken")
    gone = build.shared(home / "libgone.so", "int gone;\n")
    program = build.cc(home / "tool", build.HELLO_C, "-Wl,--no-as-needed", str(gone))
    gone.unlink()
    return program


@pytest.mark.parametrize(
    "words", ["-o type=bogus", "--expose 80-90", "--need tpm=always", "--healthcheck --retries=x", "-t UPPER/app"]
)
def test_a_wrong_word_counts_before_a_missing_library(broken: Path, words: str) -> None:
    option, value = words.split(" ", 1)
    assert (
        scratchpack(
            broken,
            f"{option}={value}" if option.startswith("--") else option,
            *([] if option.startswith("--") else [value]),
        ).status
        == 2
    )
    assert scratchpack(broken, "--dry-run").status == 4


def test_an_image_is_not_verified_with_the_options_of_a_program(tmp_path: Path) -> None:
    program = build.cc(tmp_path / "hello", build.HELLO_C, "-static", "-s")
    assert scratchpack(program, cwd=tmp_path).status == 0
    for words in (
        ("--root", "/nonexistent", "--include", "nothing"),
        ("--user", "0"),
        ("-e", "A=1"),
        ("--need", "tmp=always"),
    ):
        done = scratchpack("verify", "hello.tar", *words, cwd=tmp_path)
        assert (done.status, done.out) == (2, ""), done
    (tmp_path / "scratchpack.toml").write_text("user = 0\n")
    done = scratchpack("verify", "hello.tar", cwd=tmp_path)
    assert (done.status, "(verify does not take user)" in done.err) == (0, True), done
    for option in ("--house-rules", "--max-unpacked=1G"):
        assert scratchpack("verify", program, option, cwd=tmp_path).status == 2


def test_what_an_option_names_must_be_there(tmp_path: Path) -> None:
    """The program calls nothing that would want a time zone: the option alone asks for it."""
    program = build.cc(tmp_path / "hello", build.HELLO_C, "-static", "-s")
    for command in ((), ("inspect",)):
        assert scratchpack(*command, program, "--timezone", "Europe/Berln", cwd=tmp_path).status == 5
    assert "zoneinfo/Europe/Berlin" in scratchpack(program, "-v", "--timezone", "Europe/Berlin", cwd=tmp_path).err
