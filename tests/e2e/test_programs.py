"""Debian's own programs, packed with no option but their environment, do in the image what they do on the host.

The whole list is a campaign (``make campaign``); a few of it run in ``make test``. The host is the referee of the same
run: nothing that a program should print is written down here.
"""

from __future__ import annotations

import base64
import datetime as dt
import functools
import http.server
import os
import re
import shlex
import shutil
import subprocess
import threading
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support import tools
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from collections.abc import Iterator

LIST = Path(__file__).with_name("programs.toml")
RECORD = Path(__file__).parent.parent.parent / "docs/needs-campaign.md"
BASE = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent"}


class Program(NamedTuple):
    """One entry of the list; the head of the list tells what its keys are."""

    package: str
    run: tuple[str, ...]
    then: tuple[tuple[str, ...], ...] = ()
    stdin: str = ""
    files: tuple[tuple[str, str], ...] = ()
    binary: tuple[tuple[str, str], ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    varies: str = ""
    status: int = 0
    served: bool = False
    data: bool = False
    quick: bool = False

    @property
    def name(self) -> str:
        return " ".join([os.path.basename(self.run[0]), *self.run[1:3]])

    @property
    def commands(self) -> list[list[str]]:
        """The runs of the one program that is packed, in order."""
        return [list(self.run), *([self.run[0], *words] for words in self.then)]


def listed() -> list[Program]:
    entries = tomllib.loads(LIST.read_text())["program"]
    return [
        Program(
            **{**entry, "run": tuple(entry["run"]), "then": tuple(tuple(words) for words in entry.get("then", ()))}
            | {key: tuple(entry.get(key, {}).items()) for key in ("files", "binary", "env")}
        )
        for entry in entries
    ]


PROGRAMS = listed()


class Outcome(NamedTuple):
    """What the runs left: all standard output with the last status, and standard error for the reader of a failure."""

    status: int
    out: bytes
    err: str


def _run(program: Program, before: list[str], address: str) -> Outcome:
    """Each command in turn as long as they succeed; what is known to vary from run to run is blanked."""
    status, out, err = 0, b"", ""
    for command in program.commands:
        words = [word.replace("{served}", address).replace("{port}", address.rpartition(":")[2]) for word in command]
        done = subprocess.run(
            [*before, *words],
            input=program.stdin.encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        status, out, err = done.returncode, out + done.stdout, err + done.stderr.decode("utf-8", "replace")
        if status != 0:
            break
    if program.varies:
        out = re.sub(program.varies.encode(), b"...", out)
    return Outcome(status, out, err[-600:])


def _work(program: Program, home: Path) -> Path:
    home.mkdir()
    given = [(name, text.encode()) for name, text in program.files]
    given += [(name, base64.b64decode(text)) for name, text in program.binary]
    for name, content in given:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    return home


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def _serving(program: Program, tmp: Path) -> Iterator[str]:
    """The address of a server on the loopback that gives out the entry's files, if it asks for one."""
    if not program.served:
        yield ""
        return
    handler = functools.partial(_Quiet, directory=str(_work(program, tmp / "served")))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def compare(program: Program, tmp: Path) -> str:
    """Why the image did not do what the host did; empty when it did. The host may be read, and not written to."""
    bwrap = tools.need("bwrap", package="bubblewrap")
    given = {**BASE, **dict(program.env)}
    planned = [word for key, value in program.env for word in ("-e", f"{key}={value}")]
    packed = scratchpack("pack", program.run[0], *planned, "-o", f"type=local,dest={tmp / 'root'}", cwd=tmp)
    if packed.status != 0:
        return f"not packed: {packed.err[-400:]}"
    alone = [bwrap, "--unshare-all", "--die-with-parent", "--clearenv", *(["--share-net"] if program.served else [])]
    alone += [word for key, value in given.items() for word in ("--setenv", key, value)]
    views = {"host": ["--ro-bind", "/", "/", "--tmpfs", "/tmp"], "image": ["--bind", str(tmp / "root"), "/"]}
    with _serving(program, tmp) as address:
        host, image = (
            _run(
                program,
                [*alone, *view, "--proc", "/proc", "--dev", "/dev", "--bind", str(home), "/mnt", "--chdir", "/mnt"],
                address,
            )
            for home, view in ((_work(program, tmp / name), view) for name, view in views.items())
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
