"""A packed tree, and what its program says when it is run inside that tree alone (bubblewrap)."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.support import tools
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path


def packed(out: Path, *words: str | Path, cwd: Path | None = None) -> Path:
    """Pack into the directory ``out``; a failure is the test's."""
    done = scratchpack("pack", *words, "-o", f"type=local,dest={out}", cwd=cwd)
    assert done.status == 0, done.err
    return out


def names(tree: Path) -> list[str]:
    """Every file and link of a tree, as an absolute path inside it, sorted."""
    found = []
    for directory, _, files in os.walk(tree):
        found += ["/" + os.path.relpath(os.path.join(directory, name), tree) for name in files]
    return sorted(found)


def run(tree: Path, *command: str, cwd: str = "/", env: dict[str, str] | None = None) -> str:
    """What a program of the tree prints; nothing of the host can be seen from it."""
    bwrap = tools.need("bwrap", package="bubblewrap")
    for directory in ("proc", "dev"):
        (tree / directory).mkdir(exist_ok=True)
    settings = [word for name, value in (env or {}).items() for word in ("--setenv", name, value)]
    done = subprocess.run(
        [
            *(bwrap, "--bind", str(tree), "/", "--proc", "/proc", "--dev", "/dev", "--clearenv", "--chdir", cwd),
            *(*settings, "--unshare-pid", "--die-with-parent", *command),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    for directory in ("proc", "dev"):
        (tree / directory).rmdir()
    assert done.returncode == 0, f"{command}: {done.returncode} {done.stderr}"
    return done.stdout
