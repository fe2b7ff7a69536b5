"""What is packed is opened: over the programs of ``programs.toml``, the bytes that a run of real work never opens.

The whole list is a campaign whose figures go into ``docs/unopened.md``; in ``make test`` the measure itself is tried.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pytest

from tests.support import tools
from tests.support.opened import Use, files_of, traced, use
from tests.support.programs import Program, listed, pack, run, sandbox, serving, work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RECORD = Path(__file__).parent.parent.parent / "docs/unopened.md"
MOST = 0.19  # of all packed bytes; what was reached, and 0.12 is what it should become
_SHOWN = 12  # programs and files that the document names


def measure(program: Program, tmp: Path) -> Use | None:
    """Pack it, run its work in the tree under strace; ``None`` where it cannot be packed or does not do it."""
    bwrap = tools.need("bwrap", package="bubblewrap")
    tools.need("strace", package="strace")
    packed = pack(program, tmp)
    if packed.status != 0:
        return None
    home = work(program, tmp / "work")
    files = files_of(tmp / "root")
    words = sandbox(program, ["--bind", str(tmp / "root"), "/"], home)
    with serving(program, tmp) as address:
        outcome = run(program, traced(words, tmp / "trace"), address)
    return use(tmp / "root", files, tmp / "trace", outside=bwrap) if outcome.status == program.status else None


def test_a_file_that_is_opened_counts_by_each_of_its_names_and_what_is_only_looked_at_does_not(tmp_path: Path) -> None:
    tools.need("/usr/bin/figlet", package="figlet")
    figlet = Program("figlet", ("/usr/bin/figlet", "ok"))

    found = measure(figlet, tmp_path)

    assert found is not None
    left = {path for _, path in found.unopened}
    assert "/usr/share/figlet/standard.flf" not in left  # the one font that it reads
    assert "/usr/share/figlet/big.flf" in left
    assert not {path for path in left if "libc.so" in path or "ld-linux" in path or path == "/usr/bin/figlet-figlet"}
    assert found.bytes_unopened < found.packed


@pytest.mark.campaign
def test_of_all_that_is_packed_few_bytes_are_never_opened(tmp_path: Path) -> None:
    """No more than was reached before; what every program leaves unopened in all of its runs goes into the docs."""
    found: dict[str, Use] = {}
    failed: list[str] = []
    for number, program in enumerate(listed()):
        tools.need(program.run[0], package=program.package)
        home = tmp_path / str(number)
        home.mkdir()
        used = measure(program, home)
        if used is None:
            failed.append(program.name)
        else:
            before = found.get(program.run[0])
            found[program.run[0]] = used if before is None else before.merged(used)
        shutil.rmtree(home)
    _record(found, failed)
    assert sum(used.bytes_unopened for used in found.values()) <= MOST * sum(used.packed for used in found.values())


def _record(found: Mapping[str, Use], failed: Sequence[str]) -> None:
    """Replace the figures in the document by this run's."""
    packed = sum(used.packed for used in found.values())
    left = sum(used.bytes_unopened for used in found.values())
    share = median(used.bytes_unopened / used.packed for used in found.values())
    head = (
        f"Run of {dt.datetime.now(tz=dt.UTC):%Y-%m-%d}: {len(found)} programs, {packed / 1e6:,.1f} MB packed, "
        f"{left / 1e6:,.1f} MB never opened: {left / packed:.1%} in all; the median program {share:.1%}."
    )
    lines = [
        head,
        "",
        "| program | packed | never opened | the largest of it |",
        "|---|---|---|---|",
    ]
    for program, used in sorted(found.items(), key=lambda item: -item[1].bytes_unopened)[:_SHOWN]:
        largest = ", ".join(f"{path} ({size / 1e6:.1f} MB)" for size, path in used.unopened[:3])
        lines.append(f"| `{program}` | {used.packed / 1e6:.1f} MB | {used.bytes_unopened / 1e6:.1f} MB | {largest} |")
    lines += ["", "Not measured, for they did not do their work in the image: " + (", ".join(failed) or "none") + "."]
    block = "<!-- results -->\n" + "\n".join(lines) + "\n<!-- end -->"
    RECORD.write_text(re.sub(r"<!-- results -->.*<!-- end -->", lambda _: block, RECORD.read_text(), flags=re.DOTALL))
