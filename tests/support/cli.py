"""Running the command line as a person does: a new process, both streams, the exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HOME = Path(__file__).parent.parent.parent


class Run(NamedTuple):
    """What a run gave back."""

    status: int
    out: str
    err: str


def scratchpack(
    *words: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None, timeout: float = 120
) -> Run:
    """``scratchpack WORDS…`` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "scratchpack", *[str(word) for word in words]],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(HOME), **(env or {})},
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=timeout,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr)
