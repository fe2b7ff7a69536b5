"""The real loaders as referees, on files of the distribution and on our own fixtures only (S1, R26)."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GLIBC = "/lib64/ld-linux-x86-64.so.2"
_ROW = re.compile(r"^\t(?:(?P<name>.*?) => )?(?P<path>.*?)(?: \(0x[0-9a-f]+\))?$")


class Traced(NamedTuple):
    """What the loader said: paths in its order, names it did not find, and whether it gave up."""

    paths: tuple[str, ...]
    missing: tuple[str, ...]
    fatal: str  # its message, "" when the objects were all mapped


def parse(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The rows of a trace: paths, and names that were not found."""
    paths: list[str] = []
    missing: list[str] = []
    for line in text.splitlines():
        match = _ROW.match(line)
        if match is None or "statically linked" in line or line.startswith("\tlinux-vdso"):
            continue
        if match["path"] == "not found":
            missing.append(match["name"])
        else:
            paths.append(match["path"])
    return tuple(paths), tuple(missing)


def trace(
    program: str | Path, *, loader: str | None = None, env: dict[str, str] | None = None, cwd: Path | None = None,
    prefix: Sequence[str] = (), argv0: str | None = None,
) -> Traced:  # fmt: skip
    """glibc's own list for a file: its program header's loader, or ``loader`` for a library (R26: never ``--list``)."""
    command = [*prefix, *([loader] if loader else []), str(program)]
    done = subprocess.run(
        command, env={"LD_TRACE_LOADED_OBJECTS": "1", **(env or {})}, cwd=cwd, capture_output=True, check=False
    )
    paths, missing = parse(os.fsdecode(done.stdout))
    fatal = "" if done.returncode == 0 else os.fsdecode(done.stderr).strip() or f"status {done.returncode}"
    return Traced(paths, missing, fatal)
