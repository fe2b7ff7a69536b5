"""S1, S24: nothing of the input is executed: bait in DT_AUDIT and DT_DEPAUDIT, which ``ldd`` and its kin would run, under strace."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import tools
from tests.support.build import HELLO_C, cc, shared
from tests.support.cli import HOME

if TYPE_CHECKING:
    from pathlib import Path

BAIT = """#include <stdio.h>
#include <stdlib.h>
static void spring(void) { FILE *f = fopen("%s", "w"); if (f) fclose(f); }
__attribute__((constructor)) static void loaded(void) { spring(); }
unsigned int la_version(unsigned int v) { spring(); return v; }
"""


@pytest.mark.parametrize("tag", ["--audit", "--depaudit"])
def test_no_command_runs_or_maps_an_auditor_that_the_program_names(tmp_path: Path, tag: str) -> None:
    sprung = tmp_path / "sprung"
    bait = shared(tmp_path / "bait.so", BAIT % sprung)
    program = cc(tmp_path / "app", HELLO_C, f"-Wl,{tag}={bait}")
    subprocess.run(["/usr/bin/env", program], check=True, capture_output=True)
    assert sprung.exists() or tag == "--depaudit", "the bait is good: the loader runs it"
    sprung.unlink(missing_ok=True)
    for command in (
        ["inspect", program],
        ["pack", program, "-o", f"type=oci,dest={tmp_path}/i.tar"],
        ["verify", program],
    ):
        log = tmp_path / "log"
        done = subprocess.run(
            [tools.need("strace", package="strace"), "-f", "-qq", "-y", "-e", "trace=execve,execveat,mmap", "-o", log,
             sys.executable, "-m", "scratchpack", *map(str, command)],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(HOME)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 4), done.stderr
        calls = log.read_text()
        started = set(re.findall(r'execve(?:at)?\("([^"]+)"', calls))
        assert started, "strace sees what is started"
        assert [path for path in started if "python" not in os.path.basename(path)] == []
        mapped = [line for line in calls.splitlines() if str(tmp_path) in line and "PROT_EXEC" in line]
        assert mapped == []
        assert not sprung.exists()
    assert str(bait) in done.stdout + done.stderr or (tmp_path / "i.tar").exists()
