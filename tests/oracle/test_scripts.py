"""R16: `#!` chains, told by the kernel (through strace's record of execve) and by the real env."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from scratchpack.errors import InputError
from scratchpack.loader.objects import Objects
from scratchpack.loader.resolve import Placed
from scratchpack.loader.scripts import env_program, env_words, first_line, interpreters
from scratchpack.sysroot.dirroot import DirRoot
from tests.support import tools

if TYPE_CHECKING:
    from pathlib import Path


def script(at: Path, first: str) -> Path:
    at.write_text(f"{first}\nexit 0\n")
    at.chmod(0o755)
    return at


@pytest.mark.parametrize(
    "first",
    ["#!/bin/sh", "#! /bin/sh", "#!\t/bin/sh -e", "#!/usr/bin/env sh", "#!/usr/bin/env -S sh -e", "#!/usr/bin/env -S A=1 sh -e",
     "#!/usr/bin/env -S -i PATH=/bin sh", "#!/usr/bin/env -S -u HOME sh", "#!/usr/bin/env -vS sh"],
)  # fmt: skip
def test_the_chain_is_what_the_kernel_and_env_start(tmp_path: Path, first: str) -> None:
    strace = tools.need("strace", package="strace")
    program = script(tmp_path / "script", first)
    done = subprocess.run(
        [strace, "-f", "-e", "trace=execve", "-s", "4096", "-o", tmp_path / "log", program],
        capture_output=True, check=False, env={"PATH": "/usr/bin:/bin", "HOME": "/"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    root = DirRoot("/")
    chain = interpreters(Placed(root, str(program)), root, Objects(), search_path="/usr/bin:/bin")
    assert not chain.problems
    executed = re.findall(r'execve\("([^"]+)".*= 0$', (tmp_path / "log").read_text(), re.MULTILINE)
    started = [os.path.realpath(path) for path in executed if path != str(program)]
    ours = [os.path.realpath(placed.path) for placed in chain.programs]
    assert ours[-1] == (started or [os.path.realpath("/bin/sh")])[-1]
    assert ("env" in first) == (ours[0] == "/usr/bin/env")


def test_an_interpreter_may_be_a_script_and_each_travels(tmp_path: Path) -> None:
    inner = script(tmp_path / "inner", "#!/bin/sh")
    outer = script(tmp_path / "outer", f"#!{inner}")
    root = DirRoot("/")
    chain = interpreters(Placed(root, str(outer)), root, Objects())
    assert [placed.path for placed in chain.programs] == [str(inner), "/bin/sh"]
    assert subprocess.run([outer], check=False).returncode == 0


def test_a_chain_that_names_itself_ends(tmp_path: Path) -> None:
    me = tmp_path / "me"
    script(me, f"#!{me}")
    root = DirRoot("/")
    assert len(interpreters(Placed(root, str(me)), root, Objects()).programs) == 1


@pytest.mark.parametrize(
    "first", ["#!/no/such/interpreter", "#!/usr/bin/env no-such-program", "#!/usr/bin/env", "#!/bin"]
)
def test_what_cannot_be_started_is_a_problem(tmp_path: Path, first: str) -> None:
    root = DirRoot("/")
    (problem,) = interpreters(Placed(root, str(script(tmp_path / "s", first))), root, Objects()).problems
    assert (problem.kind, problem.severity) == ("interp", "error")


def test_a_line_without_an_interpreter_is_refused(tmp_path: Path) -> None:
    root = DirRoot("/")
    with pytest.raises(InputError, match="names no interpreter"):
        interpreters(Placed(root, str(script(tmp_path / "s", "#!  "))), root, Objects())


def test_a_path_cut_off_by_the_kernels_buffer_is_none() -> None:
    assert first_line(b"#!/" + b"a" * 300) is None
    assert first_line(b"#!/bin/sh  -a b \n") == ("/bin/sh", "-a b")


@pytest.mark.parametrize(
    "text",
    [
        "a b",
        "  a\tb ",
        "'a b' c",
        '"a b"c',
        r"a\_b",
        r'"a\_b"',
        r"a\tb",
        "'it'\"s\"",
        "a # no comment\\c",
        "a b#c",
        r"x\#y",
        r"a\cb c",
    ],
)
def test_words_are_split_as_env_splits_them(text: str) -> None:
    done = subprocess.run(
        ["/usr/bin/env", "-S", f"printf %s\\n {text}"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin"},
    )
    assert "\n".join(env_words(f"-S {text}")) + "\n" == done.stdout.replace("\\n", "")


def test_options_and_assignments_of_env_are_passed_over() -> None:
    assert env_program(("-i", "-u", "A", "--", "B=1", "C=2", "python3", "-u")) == "python3"
    assert env_program(("-i",)) is None
