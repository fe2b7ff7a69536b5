"""Outside programs: found, or the test skips and says why. Under SCRATCHPACK_REQUIRE_TOOLS=1 (.ci/run) a miss fails."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

_EXTRA = (Path(sys.executable).parent, Path("/usr/bin"), Path("/usr/sbin"), Path("/sbin"))


def find(name: str) -> str | None:
    """A program of the virtual environment, of Debian's directories, or of PATH, in this order."""
    for directory in _EXTRA:
        if os.access(directory / name, os.X_OK):
            return str(directory / name)
    return shutil.which(name)


def need(name: str, *, package: str) -> str:
    """The program's path; without it the test is skipped, or fails where .ci/run promised it."""
    path = find(name)
    if path is None:
        missing(f"{name} is not on this machine (Debian or PyPI package: {package})")
        raise AssertionError
    return path


def missing(why: str) -> None:
    """Skip for a reason that a fresh machine may have, and that CI may not."""
    if os.environ.get("SCRATCHPACK_REQUIRE_TOOLS") == "1":
        pytest.fail(why)
    pytest.skip(why)
