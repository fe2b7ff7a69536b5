"""`make bench`: print the tables; with ``--write FILE`` also put them between the markers of that page."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import shutil
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.clock import Command, race
from bench.detection import detection
from bench.scene import PEERS, Scene, big_binary
from bench.sizes import sizes
from tests.support import engines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
_STATIC = "scratchpack ./hello"
_CLICK = "python -I -c 'import click'"
LIMIT = 2.5


def main() -> int:
    """Run every part; the exit status is 1 where a promise about speed does not hold."""
    options = argparse.ArgumentParser(prog="bench", description=__doc__)
    options.add_argument("--write", type=Path, metavar="FILE")
    options.add_argument("--rounds", type=int, default=15)
    chosen = options.parse_args()
    lines = [f"{dt.datetime.now(tz=dt.UTC):%Y-%m-%d}, {machine()}, Python {platform.python_version()}.", ""]
    promises: list[tuple[str, bool]] = []
    with tempfile.TemporaryDirectory(prefix="scratchpack-bench-") as directory:
        scene = Scene(Path(directory))
        parts = (
            static(scene, chosen.rounds, promises),
            closure(scene),
            detection(scene, promises),
            dynamic(scene),
            big(scene),
            sizes(scene),
        )
        for part in parts:
            for line in part:
                print(line, flush=True)
                lines.append(line)
    for promise, held in promises:
        print(f"{'held' if held else 'BROKEN'}: {promise}")
    if chosen.write:
        write(chosen.write, lines)
    return 0 if all(held for _, held in promises) else 1


def machine() -> str:
    """What it ran on, as far as ratios may depend on it."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def static(scene: Scene, rounds: int, promises: list[tuple[str, bool]]) -> Iterator[str]:
    """From start to end on one static binary, beside the interpreter's own start and the engines' builders."""
    commands = [
        scene.command(_CLICK, sys.executable, "-I", "-c", "import click"),
        scene.scratchpack(_STATIC, "./hello"),
        scene.command("cp hello copy", "cp", "hello", "copy"),
    ]
    with ExitStack() as stack:
        if docker := started(stack, engines.start_docker):
            build = ("build", "--no-cache", "-q", "-t", "hello", ".")
            for name, kit in (("docker build, BuildKit", "1"), ("docker build, classic", "0")):
                commands.append(scene.engine(name, docker, *build, env={"DOCKER_BUILDKIT": kit}))
        if buildah := started(stack, engines.start_buildah):
            bud = ("bud", "--isolation", "chroot", "--no-cache", "-q", "-t", "hello", ".")
            commands.append(scene.engine("buildah bud", buildah, *bud))
        times, failed = race(commands, rounds)
    yield "### `scratchpack ./hello`: one static binary, from start to end"
    yield ""
    yield from table(times, failed, _CLICK)
    ratio = times[_STATIC] / times[_CLICK]
    promises.append((f"{_STATIC} takes at most {LIMIT} x {_CLICK}: {ratio:.2f}", ratio <= LIMIT))
    promises += [
        (f"{_STATIC} takes less time than {name}: {times[_STATIC] / seconds:.2f}", times[_STATIC] < seconds)
        for name, seconds in times.items()
        if name.startswith(("docker", "buildah"))
    ]


def started(stack: ExitStack, start: Callable[[], AbstractContextManager[engines.Engine]]) -> engines.Engine | None:
    """The engine, or None and a line that says why not."""
    try:
        return stack.enter_context(start())
    except pytest.skip.Exception as why:
        print(f"left out: {why}")
        return None


def closure(scene: Scene) -> Iterator[str]:
    """What a program loads: the tree alone, nothing written."""
    program = shutil.which("git") or shutil.which("tar") or "/bin/sh"
    ours = f"scratchpack inspect {Path(program).name}"
    commands = [
        scene.scratchpack(ours, "inspect", "--json", program),
        *scene.peer("libtree", "libtree", "-v", program),
        *scene.peer("lddtree", "lddtree", program),
        *scene.peer("ldd (runs the loader)", "ldd", program),
    ]
    yield f"### What `{Path(program).name}` loads: the closure alone"
    yield ""
    yield from table(*race(commands, 5), ours)


def dynamic(scene: Scene) -> Iterator[str]:
    """A dynamic program and everything it loads, into one file."""
    program = shutil.which("git") or shutil.which("tar") or "/bin/sh"
    ours = f"scratchpack {Path(program).name}"

    def emptied(command: Command) -> Command:
        return command._replace(before=partial(scene.fresh, "out"))

    commands = [
        scene.scratchpack(ours, program, "-o", "type=docker,dest=out/image.tar"),
        scene.scratchpack(f"{ours}, zstd", program, "-o", "type=oci,compression=zstd,dest=out/image.tar"),
        *scene.peer("dockerize (no image, a directory)", "dockerize", "-n", "-o", "out", program),
        *scene.peer("exodus (a .tgz, no image)", "exodus", "-q", "-t", "-o", "out/bundle.tgz", program),
    ]
    yield f"### `{Path(program).name}` and all that it loads, packed"
    yield ""
    yield from table(*race([emptied(command) for command in commands], 5), ours)


def big(scene: Scene) -> Iterator[str]:
    """A static program of many megabytes: the cost of compression and hashing."""
    program = big_binary()
    if program is None:
        return
    size = program.stat().st_size / 1e6
    commands = [
        scene.scratchpack(f"scratchpack, {kind}", program, "-o", f"type=docker,compression={kind},dest=big.tar")
        for kind in ("none", "zstd", "gzip")
    ]
    commands += [
        scene.command("cp", "cp", program, "copy"),
        scene.command("gzip -6", "sh", "-c", f"gzip -6 -c {program} > copy.gz"),
    ]
    times, failed = race(commands, 3)
    yield f"### One static binary of {size:.0f} MB"
    yield ""
    yield from table(times, failed, "cp")


def table(times: dict[str, float], failed: dict[str, str], unit: str) -> Iterator[str]:
    """Median milliseconds, and how many times the unit that is."""
    base = times.get(unit)
    yield f"| | ms | x `{unit}` |" if unit.startswith("python") else f"| | ms | x {unit} |"
    yield "|---|---:|---:|"
    for name, seconds in times.items():
        yield f"| {name} | {seconds * 1000:.0f} | {f'{seconds / base:.2f}' if base else ''} |"
    for name, why in failed.items():
        yield f"| {name} | failed: {why.splitlines()[-1][-100:]} | |"
    yield ""


def write(page: Path, lines: list[str]) -> None:
    """Put the tables between the page's markers."""
    text = page.read_text()
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    page.write_text(f"{head}{BEGIN}\n" + "\n".join(lines).rstrip() + f"\n{END}{tail}")


if __name__ == "__main__":
    if not PEERS.exists():
        print(f"left out: the peers of {PEERS} (make bench installs them)")
    sys.exit(main())
