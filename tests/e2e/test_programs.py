"""Debian's own programs, packed with no option but their environment, do in the image what they do on the host.

The whole list is a campaign (``make campaign``); a few of it run in ``make test``. The host is the referee of the same
run: nothing that a program should print is written down here.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import tools
from tests.support.cli import scratchpack

LIST = Path(__file__).with_name("programs.toml")
RECORD = Path(__file__).parent.parent.parent / "docs/needs-campaign.md"
BASE = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent"}


class Program(NamedTuple):
    """One entry of the list."""

    package: str
    run: tuple[str, ...]
    stdin: str = ""
    files: tuple[tuple[str, str], ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    data: bool = False
    quick: bool = False

    @property
    def name(self) -> str:
        return " ".join([os.path.basename(self.run[0]), *self.run[1:3]])


def listed() -> list[Program]:
    entries = tomllib.loads(LIST.read_text())["program"]
    return [
        Program(
            **{**entry, "run": tuple(entry["run"])}
            | {key: tuple(entry.get(key, {}).items()) for key in ("files", "env")}
        )
        for entry in entries
    ]


PROGRAMS = listed()


class Outcome(NamedTuple):
    """What a run left: standard output with its status, and standard error for the reader of a failure."""

    status: int
    out: bytes
    err: str


def _run(command: list[str], program: Program, cwd: Path | None, env: dict[str, str]) -> Outcome:
    done = subprocess.run(
        command, input=program.stdin.encode(), capture_output=True, timeout=60, check=False, cwd=cwd, env=env
    )
    return Outcome(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")[-600:])


def _work(program: Program, home: Path) -> Path:
    home.mkdir()
    for name, text in program.files:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return home


def compare(program: Program, tmp: Path) -> str:
    """Why the image did not do what the host did; empty when it did."""
    bwrap = tools.need("bwrap", package="bubblewrap")
    given = {**BASE, **dict(program.env)}
    host = _run(list(program.run), program, _work(program, tmp / "host"), given)
    planned = [word for key, value in program.env for word in ("-e", f"{key}={value}")]
    packed = scratchpack("pack", program.run[0], *planned, "-o", f"type=local,dest={tmp / 'root'}", cwd=tmp)
    if packed.status != 0:
        return f"not packed: {packed.err[-400:]}"
    inside = [
        bwrap,
        "--bind",
        str(tmp / "root"),
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--unshare-all",
        "--die-with-parent",
    ]
    inside += ["--bind", str(_work(program, tmp / "image")), "/work", "--chdir", "/work", "--clearenv"]
    for key, value in given.items():
        inside += ["--setenv", key, value]
    image = _run([*inside, *program.run], program, None, BASE)
    if (image.status, image.out) == (host.status, host.out):
        return ""
    return f"status {image.status}, host {host.status}; {image.out[:120]!r}, host {host.out[:120]!r}; {image.err}"


@pytest.mark.parametrize("program", [item for item in PROGRAMS if item.quick], ids=lambda item: item.name)
def test_a_program_does_in_the_image_what_it_does_on_the_host(program: Program, tmp_path: Path) -> None:
    tools.need(program.run[0], package=program.package)
    assert compare(program, tmp_path) == ""


def test_the_list_is_as_long_as_the_mark_asks() -> None:
    assert len({program.run[0] for program in PROGRAMS}) >= 80
    assert sum(program.data for program in PROGRAMS) >= 23


@pytest.mark.campaign
def test_all_programs_reach_their_marks(tmp_path: Path) -> None:
    """100 % of ordinary programs, at least 90 % of those that open companion data; the rate goes into the docs."""
    failed: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    counts = {True: 0, False: 0}
    for number, program in enumerate(PROGRAMS):
        tools.need(program.run[0], package=program.package)
        home = tmp_path / str(number)
        home.mkdir()
        why = compare(program, home)
        counts[program.data] += 1
        if why:
            failed[program.data].append((program.name, why))
        shutil.rmtree(home)
    _record(counts, failed)
    assert failed[False] == []
    assert len(failed[True]) <= counts[True] // 10, failed[True]


def _record(counts: dict[bool, int], failed: dict[bool, list[tuple[str, str]]]) -> None:
    """Replace the results in the document by this run's."""
    lines = [f"Last run: {dt.datetime.now(tz=dt.UTC):%Y-%m-%d}, Debian {_debian()}.", ""]
    lines += ["| programs | ran as on the host | of |", "|---|---|---|"]
    for data, name in ((False, "ordinary"), (True, "with companion data")):
        lines.append(f"| {name} | {counts[data] - len(failed[data])} | {counts[data]} |")
    missed = [*failed[False], *failed[True]]
    lines += ["", "Not as on the host: " + (", ".join(f"`{name}`" for name, _ in missed) or "none") + "."]
    text = RECORD.read_text()
    block = "<!-- results -->\n" + "\n".join(lines) + "\n<!-- end -->"
    RECORD.write_text(re.sub(r"<!-- results -->.*<!-- end -->", lambda _: block, text, flags=re.DOTALL))


def _debian() -> str:
    path = Path("/etc/debian_version")
    return path.read_text().strip() if path.exists() else "unknown"
