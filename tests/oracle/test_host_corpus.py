"""R1-R10 together: our closure against glibc's own, over every dynamic ELF file that the distribution installed here."""

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


def subjects(objects: Objects, root: DirRoot) -> list[str]:
    """Those that glibc's loader of this machine can map and that ask for something."""
    found = []
    for path in installed():
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


def cpu_level() -> str:
    """The best glibc-hwcaps level of this machine, by the loader's own word."""
    out = subprocess.run([GLIBC, "--help"], capture_output=True, text=True, check=True).stdout
    match = re.search(r"(x86-64-v\d) \(supported, searched\)", out)
    return match[1] if match else "baseline"


def test_every_dynamic_file_of_this_machine_has_the_loaders_own_closure() -> None:
    if not DPKG.is_dir():
        pytest.skip("not a Debian system: which files the distribution installed is read from dpkg's lists")
    root, objects = DirRoot("/"), Objects(Budget("this machine", RUN._replace(steps=1 << 40, lookups=1 << 40)))
    paths = subjects(objects, root)
    assert len(paths) > 500, "a machine with hardly any dynamic file proves nothing"
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
