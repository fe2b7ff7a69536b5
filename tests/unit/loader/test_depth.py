"""S5: what is deep is walked, not recursed into: chains of libraries, and directories within directories."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from scratchpack.elf.budget import RUN, Budget
from scratchpack.loader.model import LoaderEnv
from scratchpack.loader.objects import Objects
from scratchpack.loader.resolve import LoaderSession, Placed
from scratchpack.sysroot.dirroot import DirRoot
from tests.support.cli import scratchpack
from tests.support.hostile_elf import INTERP, glibc_root
from tests.unit.elf.forge import NEEDED, RPATH, forge

if TYPE_CHECKING:
    from pathlib import Path

LENGTH = 1500


def chain(root: Path) -> None:
    """A program and a chain of libraries behind it, each of which asks for the next."""
    (root / "usr/lib").mkdir(parents=True, exist_ok=True)
    (root / "app").write_bytes(forge(((NEEDED, b"l0"),), interp=INTERP))
    (root / "app").chmod(0o755)
    for number in range(LENGTH):
        tags = ((NEEDED, b"l%d" % (number + 1)),) if number + 1 < LENGTH else ()
        (root / f"usr/lib/l{number}").write_bytes(forge(tags))


def test_a_chain_of_fifteen_hundred_libraries_is_inspected_and_drawn(tmp_path: Path) -> None:
    root = glibc_root(tmp_path / "root")
    chain(root)
    done = scratchpack("inspect", "--verbose", "/app", "--root", root)
    assert done.status == 0, done.err[-2000:]
    assert f"l{LENGTH - 1}" in done.out


def test_who_led_to_a_library_is_not_walked_again_for_each_request(tmp_path: Path) -> None:
    """Without an RPATH in it, a chain of any length costs one step a library: counted, not timed."""
    root = glibc_root(tmp_path / "root")
    chain(root)
    objects = Objects(Budget("this run", RUN))
    session = LoaderSession(Placed(DirRoot(str(root)), "/app"), DirRoot(str(root)), LoaderEnv(), objects)
    assert len(session.closure.resolved) >= LENGTH
    assert objects.budget.lookups_made < 8 * LENGTH
    assert objects.budget.steps_taken < 100 * LENGTH


def test_a_program_in_a_directory_fifteen_hundred_deep_is_refused_or_resolved(tmp_path: Path) -> None:
    root = glibc_root(tmp_path / "root")
    deep = "/" + "/".join("d" for _ in range(LENGTH))
    at = os.open(root, os.O_RDONLY)
    for name in deep.lstrip("/").split("/"):  # pathlib makes parents by recursion
        os.mkdir(name, dir_fd=at)
        below = os.open(name, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    (root / f"{deep.lstrip('/')}/liba.so").write_bytes(forge(()))
    (root / "app").write_bytes(forge(((NEEDED, b"liba.so"), (RPATH, deep.encode())), interp=INTERP))
    done = scratchpack("inspect", "--json", "/app", "--root", root)
    assert done.status == 0, done.err[-2000:]
    assert f"{deep}/liba.so" in done.out
    subprocess.run(["rm", "-r", str(root / "d")], check=True)  # Python's own removal goes by recursion
