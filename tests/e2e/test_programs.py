"""Debian's own programs, packed with no option but their environment, do in the image what they do on the host.

The whole list is a campaign (``make campaign``); a few of it run in ``make test``. The host is the referee of the same
run: nothing that a program should print is written down here.
"""

from __future__ import annotations

import datetime as dt
import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.support import tools
from tests.support.programs import Program, listed, pack, run, sandbox, serving, work

RECORD = Path(__file__).parent.parent.parent / "docs/needs-campaign.md"
PROGRAMS = listed()


def compare(program: Program, tmp: Path) -> str:
    """Why the image did not do what the host did; empty when it did. The host may be read, and not written to."""
    tools.need("bwrap", package="bubblewrap")
    packed = pack(program, tmp)
    if packed.status != 0:
        return f"not packed: {packed.err[-400:]}"
    views = {"host": ["--ro-bind", "/", "/", "--tmpfs", "/tmp"], "image": ["--bind", str(tmp / "root"), "/"]}
    with serving(program, tmp) as address:
        host, image = (
            run(program, sandbox(program, view, work(program, tmp / name)), address) for name, view in views.items()
        )
    if host.status != program.status or not host.out:
        return f"the host did no work: status {host.status}, {host.out[:120]!r}; {host.err}"
    if (image.status, image.out) == (host.status, host.out):
        return ""
    return f"status {image.status}, host {host.status}; {image.out[:120]!r}, host {host.out[:120]!r}; {image.err}"


@pytest.mark.parametrize("program", [item for item in PROGRAMS if item.quick], ids=lambda item: item.name)
def test_a_program_does_in_the_image_what_it_does_on_the_host(program: Program, tmp_path: Path) -> None:
    tools.need(program.run[0], package=program.package)
    assert compare(program, tmp_path) == ""


def test_the_list_is_as_long_as_the_mark_asks() -> None:
    assert len({program.run[0] for program in PROGRAMS}) >= 80
    assert sum(not program.data for program in PROGRAMS) >= 80
    assert sum(program.data for program in PROGRAMS) >= 50


def test_no_program_is_only_asked_what_it_is() -> None:
    about = re.compile(r"--?(?:version|help)|-V|-\?|--(?:help|list|print|show)-.*")
    allowed = {"/usr/bin/patchelf"}  # its --print-needed reads an ELF file

    idle = [
        program.name
        for program in PROGRAMS
        for command in program.commands
        if program.run[0] not in allowed and any(about.fullmatch(word) for word in command[1:])
    ]

    assert idle == []


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
            failed[program.data].append(("; ".join(map(shlex.join, program.commands)), why))
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
