"""R1-R10 together: our closure against glibc's own, over the dynamic ELF files that the distribution installed here.

`make test` takes some of them, spread over all packages; `make campaign` takes every one.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scratchpack.elf.budget import RUN, Budget
from scratchpack.errors import InputError
from scratchpack.loader.model import LoaderEnv
from scratchpack.loader.objects import Objects
from scratchpack.loader.resolve import LoaderSession, Placed
from scratchpack.sysroot.dirroot import DirRoot
from tests.oracle.loaders import GLIBC, Traced, trace

AREAS = ("/usr/bin/", "/usr/sbin/", "/usr/lib/")
DPKG = Path("/var/lib/dpkg/info")
SOME = 1500  # of the distribution's files are looked at in `make test`; a fifth of them are dynamic


def installed() -> list[str]:
    """The distribution's own regular files in the three areas, by canonical path, each inode once (S1)."""
    found: dict[tuple[int, int], str] = {}
    for listing in sorted(DPKG.glob("*.list")):
        for line in os.fsdecode(listing.read_bytes()).splitlines():
            path = line if line.startswith("/usr/") else "/usr" + line
            if not path.startswith(AREAS):
                continue
            try:
                status = os.lstat(path)
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode) and os.path.realpath(path) == path:
                found.setdefault((status.st_dev, status.st_ino), path)
    return sorted(found.values())


def subjects(paths: list[str]) -> list[str]:
    """Those that glibc's loader of this machine can map and that ask for something."""
    objects, root = _objects(), DirRoot("/")
    found = []
    for path in paths:
        with Path(path).open("rb") as stream:
            if stream.read(6) != b"\x7fELF\2\1":
                continue
        node = root.lookup(path)
        assert node is not None
        try:
            facts = objects.facts(root, node)
        except InputError:
            continue
        if facts.machine == "x86_64" and facts.requests and facts.interpreter in (None, GLIBC):
            found.append(path)
    return found


def _objects() -> Objects:
    """Without the bounds of one run of the program: this is all of a machine."""
    return Objects(Budget("this machine", RUN._replace(steps=1 << 40, lookups=1 << 40)))


def cpu_level() -> str:
    """The best glibc-hwcaps level of this machine, by the loader's own word."""
    out = subprocess.run([GLIBC, "--help"], capture_output=True, text=True, check=True).stdout
    match = re.search(r"(x86-64-v\d) \(supported, searched\)", out)
    return match[1] if match else "baseline"


@pytest.fixture(scope="module")
def paths() -> list[str]:
    if not DPKG.is_dir():
        pytest.skip("not a Debian system: which files the distribution installed is read from dpkg's lists")
    return installed()


def test_files_of_this_machine_have_the_loaders_own_closure(paths: list[str]) -> None:
    some = subjects(paths[:: max(1, len(paths) // SOME)])
    assert len(some) > 100, "a machine with hardly any dynamic file proves nothing"
    _hold(some)


@pytest.mark.campaign
def test_every_dynamic_file_of_this_machine_has_the_loaders_own_closure(paths: list[str]) -> None:
    every = subjects(paths)
    assert len(every) > 500, "a machine with hardly any dynamic file proves nothing"
    _hold(every)


def _hold(paths: list[str]) -> None:
    root, objects = DirRoot("/"), _objects()
    env, differences = LoaderEnv(cpu=cpu_level()), []
    with ThreadPoolExecutor(2) as pool:
        for path, traced in zip(paths, pool.map(_trace, paths), strict=True):
            if why := _difference(path, traced, root, env, objects):
                differences.append(f"{path}: {why}")
    assert not differences, f"{len(differences)} of {len(paths)}:\n" + "\n".join(differences[:40])


def _trace(path: str) -> Traced:
    return trace(path, loader=GLIBC)  # R26: as an argument of the loader nothing of the file is ever run


def _difference(path: str, traced: Traced, root: DirRoot, env: LoaderEnv, objects: Objects) -> str:
    closure = LoaderSession(Placed(root, path, GLIBC), root, env, objects).on(env.cpu)
    fatal = [p for p in closure.errors if p.kind == "fatal-candidate"]
    if bool(traced.fatal) != bool(fatal):
        return f"the loader says {traced.fatal or 'nothing'!r}, we say {fatal}"
    if fatal:
        return ""
    missing = {p.name for p in closure.errors if p.kind == "missing"}
    if missing != set(traced.missing):
        return f"missing: the loader {sorted(set(traced.missing))}, we {sorted(missing)}"
    ours, theirs = [r.path for r in closure.resolved], list(traced.paths)
    if GLIBC not in theirs or missing:  # R26: its own row moves beside missing ones
        ours, theirs = ([p for p in each if p != GLIBC] for each in (ours, theirs))
    return "" if ours == theirs else f"the loader {theirs}, we {ours}"
