"""What ``--minimize`` leaves is what a run opens: Debian's programs and services, minimized, run and traced again (``make campaign``).

The host is the referee: the image prints what the host prints. ``docs/tracing.md`` records what came of it.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.support import tools
from tests.support.cli import scratchpack
from tests.support.programs import BASE, listed, run, work

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.programs import Program

pytestmark = pytest.mark.campaign
WANTED = 40
ELIGIBLE = [program for program in listed() if not program.served and not program.then][::3]


class Measured(NamedTuple):
    """One image that was made by ``--minimize``."""

    name: str
    bytes: int  # of all files of the image
    opened: float  # per cent of them, in the same run again
    plain: int  # with what was left out
    wrong: str = ""

    @property
    def row(self) -> str:
        return f"| {self.name} | {self.plain / 1e6:.2f} | {self.bytes / 1e6:.2f} | {self.opened:.1f} % | {self.wrong} |"


def traced(image: Path, *words: str, cwd: Path) -> dict[str, Any]:
    """What a traced run of the image says."""
    done = scratchpack("verify", "--trace", "--json", "-q", image, *words, cwd=cwd)
    assert done.status == 0, done.out + done.err
    trace: dict[str, Any] = json.loads(done.out)["verdicts"][-1]["trace"]
    return trace


def measured(name: str, tmp: Path, pack: list[str], how: list[str], words: list[str]) -> Measured:
    """Pack with ``--minimize``, and trace the result again."""
    outputs = ["-o", "type=docker,dest=small.tar", "-o", f"type=local,dest={tmp}/root"]
    done = scratchpack(*pack, "--minimize", *outputs, *how, "--", *words, cwd=tmp)
    assert done.status == 0, done.err
    trace = traced(tmp / "small.tar", *how, "--", *words, cwd=tmp)
    opened = 100 * (trace["bytes"] - trace["untouched_bytes"]) / trace["bytes"]
    gone = re.search(r"no trace touched, (\d+) bytes", done.err)
    return Measured(name, trace["bytes"], opened, trace["bytes"] + (int(gone[1]) if gone else 0))


def minimized(program: Program, tmp: Path) -> Measured:
    """One program of the list: its image does what the host does."""
    tmp.mkdir()
    bwrap = tools.need("bwrap", package="bubblewrap")
    given = {**BASE, **dict(program.env)}
    work(program, tmp / "given")
    (tmp / "stdin").write_text(program.stdin)
    pack = ["pack", program.run[0], "--workdir", "/mnt", "--volume", "/mnt"]
    pack += [word for key, value in given.items() if key != "PATH" for word in ("-e", f"{key}={value}")]
    pack += [word for path in sorted((tmp / "given").iterdir()) for word in ("--include", f"{path}:/mnt/{path.name}")]
    how = ["--stdin", f"{tmp}/stdin", "--expect-exit", str(program.status)]
    try:
        made = measured(program.name, tmp, pack, how, list(program.run[1:]))
    except AssertionError as error:
        return Measured(program.name, 0, 0.0, 0, str(error).strip().splitlines()[-1][:160])
    alone = [bwrap, "--unshare-all", "--die-with-parent", "--clearenv"]
    alone += [word for key, value in given.items() for word in ("--setenv", key, value)]
    views = {"host": ["--ro-bind", "/", "/", "--tmpfs", "/tmp"], "image": ["--bind", str(tmp / "root"), "/"]}
    host, image = (
        run(
            program,
            [*alone, *view, "--proc", "/proc", "--dev", "/dev", "--bind", str(home), "/mnt", "--chdir", "/mnt"],
            "",
        )
        for home, view in ((work(program, tmp / f"work-{name}"), view) for name, view in views.items())
    )
    same = (host.status, host.out) == (image.status, image.out)
    return made if same else made._replace(wrong=f"prints something else: {image.out[:60]!r} {image.err[-200:]!r}")


def test_over_forty_programs_the_image_opens_what_it_holds_and_prints_what_the_host_prints(tmp_path: Path) -> None:
    made = []
    for number, program in enumerate(ELIGIBLE):
        if not tools.find(program.run[0]):
            continue
        made.append(minimized(program, tmp_path / str(number)))
        sys.stdout.write(made[-1].row + "\n")
        sys.stdout.flush()
    good = [one for one in made if not one.wrong]
    assert len(good) >= WANTED
    assert [one for one in made if one.wrong] == []
    assert statistics.median(one.opened for one in good) >= 97


SCRIPT = """#!/usr/bin/python3
import json, re, decimal, os
print(json.dumps({"sum": str(decimal.Decimal("1.1") + decimal.Decimal("2.2")), "found": re.findall("a.", "abacad")}))
"""
NGINX = """
daemon off;
user www-data;
pid /tmp/nginx.pid;
error_log /dev/stderr;
events {}
http {
  include mime.types;
  access_log off;
  client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
  server { listen 127.0.0.1:8080; root /srv/www; }
}
"""
REDIS = "bind 127.0.0.1\nport 6379\ndir /data\nappendonly yes\n"
POSTGRES = """#!/bin/sh
set -e
/usr/lib/postgresql/15/bin/initdb -D /data/main -U postgres --auth=trust --no-locale -E UTF8
exec /usr/lib/postgresql/15/bin/postgres -D /data/main -c listen_addresses=127.0.0.1 -c unix_socket_directories=/tmp
"""
SERVICES: dict[str, tuple[dict[str, str], list[str], list[str]]] = {
    "python3 with a script": ({"report.py": SCRIPT}, ["./report.py"], []),
    "nginx": (
        {"nginx.conf": NGINX, "www/index.html": "<h1>packed</h1>\n"},
        ["/usr/sbin/nginx", "--include", "./nginx.conf:/etc/nginx/nginx.conf", "--include", "./www:/srv/www"],
        ["--wait-tcp", "8080", "--request", "http://localhost:8080/"],
    ),
    "redis": (
        {"redis.conf": REDIS},
        [
            "/usr/bin/redis-server",
            "--include",
            "./redis.conf:/etc/redis.conf",
            "--volume",
            "/data",
            "--cmd",
            "/etc/redis.conf",
        ],
        ["--wait-tcp", "6379"],
    ),
    "postgres": (
        {"start.sh": POSTGRES},
        ["./start.sh", "/usr/lib/postgresql/15/bin/postgres", "/usr/lib/postgresql/15/bin/initdb", "--volume", "/data"],
        ["--wait-tcp", "5432", "--timeout", "120"],
    ),
}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_was_minimized_serves(name: str, tmp_path: Path) -> None:
    files, pack, how = SERVICES[name]
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
        (tmp_path / path).chmod(0o755)
    made = measured(name, tmp_path, ["pack", *pack], how, [])
    sys.stdout.write(made.row + "\n")
    assert made.opened >= 90


def test_the_cost_of_a_trace_beside_an_untraced_run() -> None:
    """Printed for the record; nothing is asserted about time."""
    from scratchpack.sandbox.model import Guest
    from scratchpack.sandbox.runner import Running

    work = {
        "opens 3,000 files": "import os\nfor n in range(3000): os.close(os.open('/etc/hostname', 0))",
        "computes": "sum(i * i for i in range(4_000_000))",
    }
    for what, code in work.items():
        guest = Guest(
            "/", ("/usr/bin/python3", "-I", "-S", "-c", code), {"PATH": "/usr/bin"}, uid=65532, gid=65532, whole=True
        )
        for how in ("", "strace", "ptrace"):
            best = 1e9
            for _ in range(3):
                start = time.monotonic()
                with Running(guest, trace=how) as running:
                    assert running.wait().status == 0
                best = min(best, time.monotonic() - start)
            sys.stdout.write(f"| {what} | {how or 'untraced'} | {best * 1000:.0f} ms |\n")
