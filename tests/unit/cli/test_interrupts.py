"""An interrupt while modules are imported ends with 130 and no traceback; what reaches a terminal cannot drive it (S5, S11, S18)."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.support.cli import HOME

if TYPE_CHECKING:
    from pathlib import Path

# Runs `python -m scratchpack` and interrupts it at the import of one module.
_RUN = """
import os, runpy, signal, sys
moment, sys.argv[1:] = sys.argv[1], sys.argv[2:]
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == moment:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
runpy.run_module("scratchpack", run_name="__main__")
"""


@pytest.mark.parametrize(
    "moment",
    ["scratchpack.cli", "scratchpack.errors", "scratchpack.cli.packing", "scratchpack.config", "scratchpack.pipeline.pack", "scratchpack.report.text"],
)  # fmt: skip
def test_an_interrupt_during_an_import_ends_quietly(moment: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _RUN, moment, "./none"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr


def test_a_path_with_an_escape_in_it_is_escaped_on_a_terminal_and_itself_in_a_pipe(tmp_path: Path) -> None:
    name = "a\x1b[2Jb"
    build.cc(tmp_path / name, build.HELLO_C, "-static")
    command = [sys.executable, "-m", "scratchpack", f"./{name}"]
    env = {**os.environ, "PYTHONPATH": str(HOME)}
    piped = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=True)
    assert os.fsdecode(piped.stdout).rstrip("\n").endswith(f"{name}.tar")
    assert b"\x1b[2J" not in piped.stderr
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", 0) as terminal:
        done = subprocess.run([*command, "--quiet"], cwd=tmp_path, env=env, stdout=theirs, stderr=theirs, check=False)
        os.close(theirs)
        shown = terminal.read(4096)
    assert done.returncode == 0
    assert b"\x1b[2J" not in shown
    assert b"\\x1b[2Jb.tar" in shown
