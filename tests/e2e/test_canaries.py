"""A string is evidence, never authority: no program's strings put a secret of the machine into its image."""

from __future__ import annotations

import itertools
import random
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from scratchpack.config import Options
from scratchpack.errors import ScratchpackError
from scratchpack.needs import decide
from scratchpack.needs.gate import Gate
from scratchpack.needs.index import ROWS
from scratchpack.pipeline import needs as examination
from scratchpack.pipeline.inspect import inspect
from scratchpack.rootfs import File
from tests.support import build, canary
from tests.support.cli import scratchpack
from tests.support.tree import names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scratchpack.entries import Keep
    from scratchpack.loader.model import Resolution
    from scratchpack.pipeline.model import Plan
    from scratchpack.sysroot.model import Node, Sysroot

NEEDS = tuple(row.name for row in ROWS)
WORLDS = {
    "beside a home's other files": (True, "/home/u/app/bin"),
    "without a package database": (False, "/home/u/app/bin"),
    "in a directory of packages": (True, "/usr/bin"),
    "in a home itself": (True, "/home/u"),
    "in /tmp": (False, "/tmp"),
}


def planned(made: canary.World, dice: random.Random) -> Plan:
    """The plan of one program, every need asked for, with variables that point at secrets as well."""
    paths = [path for path, _ in canary.secrets()]
    env = tuple(f"{name}={dice.choice(paths)}" for name in ("TZ", "TZDIR", "ICU_DATA", "XDG_DATA_DIRS", "LANG", "TERM"))
    return inspect(
        made.inside, Options(root=str(made.root), need=canary.asks_own(dice.sample(NEEDS, k=len(NEEDS) // 2)), env=env)
    )


def leaks(made: canary.World, plan: Plan) -> Iterator[tuple[str, str]]:
    """Each canary in a plan: its path, and who asked for it."""
    for entry in plan.rootfs:
        if isinstance(entry, File) and entry.source.origin is not None:
            _, path = entry.source.origin
            if canary.CANARY in (made.root / path[1:]).read_bytes():
                yield entry.path, entry.because[0].by


def run(base: Path, seeds: range) -> None:
    """Programs in each of the worlds by turns."""
    worlds = {
        name: canary.world(base / str(number), packages=packages, where=where)
        for number, (name, (packages, where)) in enumerate(WORLDS.items())
    }
    for seed, (name, made) in zip(seeds, itertools.cycle(worlds.items()), strict=False):
        canary.fill(made, seed)
        assert not list(leaks(made, planned(made, random.Random(seed)))), f"seed {seed}, a program {name}"


def test_no_canary_is_in_the_image_of_a_program_whose_strings_name_it(tmp_path: Path) -> None:
    """Whatever need reads the string, a need of tomorrow among them: the strings are made from the needs' own tables."""
    run(tmp_path, range(15))


@pytest.mark.campaign
def test_no_canary_is_in_the_images_of_2000_programs(tmp_path: Path) -> None:
    run(tmp_path, range(1000, 3000))


def test_without_the_gate_the_same_programs_would_take_canaries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bait is eaten: a need that goes around the gate would be seen above."""
    secret = {path for path, _ in canary.secrets()}
    eaten: set[str] = set()

    class Open(Gate):
        def lookup(self, path: str, *, cwd: str = "/", follow: bool = True) -> Node | None:
            node = self.behind.lookup(path, cwd=cwd, follow=follow)
            if node is not None and node.canonical in secret:
                eaten.add(node.canonical)
            return node

    def gate(root: Sysroot, program: Resolution, keep: Keep) -> Gate:
        return Open(root)

    monkeypatch.setattr(decide, "gate_of", gate)
    monkeypatch.setattr(examination, "gate_of", gate)
    made = canary.world(tmp_path, packages=False)
    for seed in range(6):
        canary.fill(made, seed)
        with suppress(ScratchpackError):  # two secrets at one place, and the like
            planned(made, random.Random(seed))
    assert len(eaten) >= 30, sorted(eaten)


def test_a_search_path_gives_a_library_opened_by_name_no_more_than_a_string_may(tmp_path: Path) -> None:
    """A program says where its libraries lie; where nothing else of it lies, that is a string as others are."""
    app, plugs = tmp_path / "app", tmp_path / "plugs"
    for directory in (app, plugs):
        directory.mkdir(mode=0o755)
    source = '#include <dlfcn.h>\nint main(void) { return dlopen("libplug.so", RTLD_NOW) ? 0 : 1; }\n'
    program = build.cc(app / "program", source, f"-Wl,-rpath,{plugs}:$ORIGIN")
    build.shared(plugs / "libplug.so")
    done = scratchpack(program, "-o", f"type=local,dest={tmp_path / 'far'}")
    assert done.status == 0, done.err
    assert f"is not taken from {plugs}/libplug.so" in done.err
    assert not [name for name in names(tmp_path / "far") if "libplug" in name]
    (plugs / "libplug.so").rename(app / "libplug.so")
    done = scratchpack(program, "-o", f"type=local,dest={tmp_path / 'near'}")
    assert done.status == 0, done.err
    assert [name for name in names(tmp_path / "near") if "libplug" in name] == ["/app/libplug.so"]
