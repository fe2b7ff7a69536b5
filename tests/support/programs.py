"""The Debian programs of ``tests/e2e/programs.toml``: read, packed, and run on the host and from the packed files alone.

In go entries of the list; out come packed trees and what runs left. The sandbox is bubblewrap's, with /proc and /dev as
an engine mounts them.
"""

from __future__ import annotations

import base64
import functools
import http.server
import os
import re
import subprocess
import threading
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.support import tools
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cli import Run

LIST = Path(__file__).parent.parent / "e2e/programs.toml"
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
    """The whole list."""
    entries = tomllib.loads(LIST.read_text())["program"]
    return [
        Program(
            **{**entry, "run": tuple(entry["run"]), "then": tuple(tuple(words) for words in entry.get("then", ()))}
            | {key: tuple(entry.get(key, {}).items()) for key in ("files", "binary", "env")}
        )
        for entry in entries
    ]


class Outcome(NamedTuple):
    """What the runs left: all standard output with the last status, and standard error for the reader of a failure."""

    status: int
    out: bytes
    err: str


def run(program: Program, before: list[str], address: str) -> Outcome:
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


def work(program: Program, home: Path) -> Path:
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
def serving(program: Program, tmp: Path) -> Iterator[str]:
    """The address of a server on the loopback that gives out the entry's files, if it asks for one."""
    if not program.served:
        yield ""
        return
    handler = functools.partial(_Quiet, directory=str(work(program, tmp / "served")))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def pack(program: Program, tmp: Path) -> Run:
    """The program as a tree at ``tmp / "root"``, with no option but its environment."""
    planned = [word for key, value in program.env for word in ("-e", f"{key}={value}")]
    return scratchpack("pack", program.run[0], *planned, "-o", f"type=local,dest={tmp / 'root'}", cwd=tmp)


def sandbox(program: Program, view: list[str], home: Path) -> list[str]:
    """The words before the program's own: ``view`` are bubblewrap's for the root, ``home`` is where it works."""
    words = [tools.need("bwrap", package="bubblewrap"), "--unshare-all", "--die-with-parent", "--clearenv"]
    words += ["--share-net"] if program.served else []
    words += [word for key, value in {**BASE, **dict(program.env)}.items() for word in ("--setenv", key, value)]
    return [*words, *view, "--proc", "/proc", "--dev", "/dev", "--bind", str(home), "/mnt", "--chdir", "/mnt"]
