"""The table on stderr, the path on stdout; colours on a terminal only; the shell completes our words."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.support.cli import HOME, scratchpack

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("seen")
    build.cc(directory / "hello", build.HELLO_C, "-static")
    return directory


def test_stdout_is_the_path_and_stderr_says_what_is_in_it_and_how_to_run_it(home: Path) -> None:
    done = scratchpack("./hello", cwd=home)
    assert (done.status, done.out) == (0, "hello.tar\n")
    assert "/hello  the program" in done.err
    assert "in 1 file, linux/amd64" in done.err
    assert "docker load -i hello.tar" in done.err
    assert "\033" not in done.err


def test_quiet_says_nothing_but_the_path(home: Path) -> None:
    assert tuple(scratchpack("-q", "./hello", cwd=home)) == (0, "hello.tar\n", "")


def test_a_terminal_gets_colours(home: Path) -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "scratchpack", "./hello"],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        stdout=subprocess.DEVNULL,
        stderr=slave,
    ) as process:
        os.close(slave)
        seen = b""
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:  # EIO: the last writer is gone
                break
            if not piece:
                break
            seen += piece
    os.close(master)
    assert process.returncode == 0
    assert b"\033[1m" in seen


def test_a_dry_run_writes_nothing(home: Path, tmp_path: Path) -> None:
    done = scratchpack("--dry-run", home / "hello", cwd=tmp_path)
    assert (done.status, done.out) == (0, "")
    assert "nothing was written" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_completion_script(shell: str) -> None:
    done = scratchpack("completion", shell)
    assert done.status == 0
    assert "_SCRATCHPACK_COMPLETE" in done.out


def test_the_shell_completes_commands_and_options() -> None:
    def words(line: str, at: int) -> str:
        env = {"_SCRATCHPACK_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(at)}
        return scratchpack(env=env).out

    assert "inspect" in words("scratchpack ins", 1)
    assert "--metadata-file" in words("scratchpack pack --meta", 2)


@pytest.mark.parametrize("name", ["pack", "inspect", "verify", "dockerfile"])
def test_every_command_shows_examples_in_its_help(name: str) -> None:
    done = scratchpack(name, "--help")
    assert done.status == 0
    assert "Examples:" in done.out
