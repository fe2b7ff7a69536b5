"""R8, R10, R16, R23, R28: closures of other machines, in both widths and byte orders, beside their own loaders under qemu."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from scratchpack.loader.cache import CacheEntry, accepted_flags, write_cache
from scratchpack.loader.model import LoaderEnv
from scratchpack.loader.resolve import Placed, resolve
from scratchpack.sysroot.dirroot import DirRoot
from tests.oracle.loaders import parse
from tests.support import tools
from tests.support.build import zig


class Machine(NamedTuple):
    name: str
    target: str  # zig's
    loader: str  # R28
    cross: str  # Debian's directory of its C library
    package: str
    emulator: str
    multiarch: str


def _machine(name: str, target: str, loader: str, cross: str, package: str, emulator: str) -> Machine:
    return Machine(
        name, target, loader, f"/usr/{cross}/lib", f"libc6-{package}-cross", f"qemu-{emulator}-static", cross
    )


MACHINES = (
    _machine("aarch64", "aarch64-linux-gnu", "/lib/ld-linux-aarch64.so.1", "aarch64-linux-gnu", "arm64", "aarch64"),
    _machine("armhf", "arm-linux-gnueabihf", "/lib/ld-linux-armhf.so.3", "arm-linux-gnueabihf", "armhf", "arm"),
    _machine("armel", "arm-linux-gnueabi", "/lib/ld-linux.so.3", "arm-linux-gnueabi", "armel", "arm"),
    _machine("i386", "x86-linux-gnu", "/lib/ld-linux.so.2", "i686-linux-gnu", "i386", "i386")._replace(
        multiarch="i386-linux-gnu"
    ),
    _machine(
        "riscv64", "riscv64-linux-gnu", "/lib/ld-linux-riscv64-lp64d.so.1", "riscv64-linux-gnu", "riscv64", "riscv64"
    ),
    _machine("ppc64le", "powerpc64le-linux-gnu", "/lib64/ld64.so.2", "powerpc64le-linux-gnu", "ppc64el", "ppc64le"),
    _machine("s390x", "s390x-linux-gnu", "/lib/ld64.so.1", "s390x-linux-gnu", "s390x", "s390x"),
    _machine("mips", "mips-linux-gnueabihf", "/lib/ld.so.1", "mips-linux-gnu", "mips", "mips"),
    _machine("mipsel", "mipsel-linux-gnueabihf", "/lib/ld.so.1", "mipsel-linux-gnu", "mipsel", "mipsel"),
    _machine(
        "mips64el", "mips64el-linux-gnuabi64", "/lib64/ld.so.1", "mips64el-linux-gnuabi64", "mips64el", "mips64el"
    ),
    _machine("mips64", "mips64-linux-gnuabi64", "/lib64/ld.so.1", "mips64-linux-gnuabi64", "mips64", "mips64"),
)

LIBRARY = "extern int deep(void);\nint answer(void) { return deep() + 40; }\n"
DEEP = "int deep(void) { return 2; }\n"
PROGRAM = """
extern int answer(void);
extern long write(int, const void *, unsigned long);
extern void _exit(int);
void begin(void) { write(1, "started\\n", 8); _exit(answer() == 42 ? 7 : 9); }
"""


@pytest.fixture(params=MACHINES, ids=lambda machine: machine.name)
def machine(request: pytest.FixtureRequest) -> Machine:
    found: Machine = request.param
    if not any(Path(found.cross + end, "libc.so.6").exists() for end in ("", "64")):
        tools.missing(f"no C library of {found.name} on this machine (Debian package: {found.package})")
    return found


def sysroot(machine: Machine, root: Path) -> Path:
    """The machine's own loader and C library; a program, a library beside it, and one that only the cache leads to."""
    for name, to in (
        ("libc.so.6", f"/lib/{machine.multiarch}/libc.so.6"),
        (os.path.basename(machine.loader), machine.loader),
    ):
        (root / to.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        source = next(p for p in (Path(machine.cross, name), Path(machine.cross + "64", name)) if p.exists())
        shutil.copy(source, root / to.lstrip("/"))
    bare = ["-nostdlib", "-fPIC", "-O1", "-g0"]
    shared = [*bare, "-shared"]
    deep = zig(root / "opt/lib/libdeep.so.1", DEEP, machine.target, *shared, "-Wl,-soname,libdeep.so.1")
    near = zig(root / "app/lib/libnear.so", LIBRARY, machine.target, *shared, "-Wl,-soname,libnear.so", str(deep))
    zig(
        root / "app/program", PROGRAM, machine.target, *bare, "-pie", "-Wl,-e,begin", str(near), str(deep),
        str(root / f"lib/{machine.multiarch}/libc.so.6"), "-Wl,-rpath,$ORIGIN/lib", "-Wl,--enable-new-dtags",
        f"-Wl,-dynamic-linker,{machine.loader}", "-Wl,--allow-shlib-undefined",
    )  # fmt: skip
    return root


def test_a_foreign_program_has_the_closure_of_its_own_loader_and_runs(machine: Machine, tmp_path: Path) -> None:
    where = sysroot(machine, tmp_path / "root")
    root = DirRoot(str(where))
    before = resolve([Placed(root, "/app/program")], root, LoaderEnv())
    assert before.roots[0].facts.machine == machine.name
    assert {(p.kind, p.name) for p in before.errors} == {("missing", "libdeep.so.1")}

    facts = before.roots[0].facts
    flags = max(accepted_flags(facts.machine, facts.e_flags))
    cache = write_cache([CacheEntry("libdeep.so.1", "/opt/lib/libdeep.so.1", flags)], facts.byte_order)
    (where / "etc").mkdir()
    (where / "etc/ld.so.cache").write_bytes(cache)
    root = DirRoot(str(where))
    closure = resolve([Placed(root, "/app/program")], root, LoaderEnv())
    assert not closure.errors, closure.errors
    ours = [r.path for r in closure.resolved]
    assert set(ours) == {
        "/app/lib/libnear.so", "/opt/lib/libdeep.so.1", f"/lib/{machine.multiarch}/libc.so.6", machine.loader
    }  # fmt: skip

    emulator = tools.need(machine.emulator, package="qemu-user-static")
    command = [emulator, "-L", str(where)]
    traced = subprocess.run(
        [*command, "-E", "LD_TRACE_LOADED_OBJECTS=1", where / "app/program"],
        capture_output=True,
        text=True,
        check=False,
    )
    theirs = [path.removeprefix(str(where)) for path in parse(traced.stdout)[0]]
    assert [path for path in theirs if path != machine.loader] == [path for path in ours if path != machine.loader], (
        traced
    )
    done = subprocess.run([*command, where / "app/program"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (7, "started\n"), done.stderr


@pytest.mark.parametrize(
    ("asked", "other"),
    [("armhf", "armel"), ("armel", "armhf"), ("s390x", "aarch64"), ("mips", "mipsel"), ("i386", "armhf")],
)
def test_a_library_of_another_machine_is_never_taken(asked: str, other: str, tmp_path: Path) -> None:  # R11, S7
    machine, foreign = (next(m for m in MACHINES if m.name == name) for name in (asked, other))
    if not all(Path(m.cross, "libc.so.6").exists() for m in (machine, foreign)):
        tools.missing("no foreign C library on this machine (Debian packages: libc6-*-cross)")
    where = sysroot(machine, tmp_path / "root")
    zig(
        where / "app/lib/libdeep.so.1",
        DEEP,
        foreign.target,
        "-nostdlib",
        "-fPIC",
        "-shared",
        "-Wl,-soname,libdeep.so.1",
    )
    root = DirRoot(str(where))
    closure = resolve([Placed(root, "/app/program")], root, LoaderEnv())
    assert "libdeep.so.1" in {p.name for p in closure.errors}
    assert not any(r.soname == "libdeep.so.1" for r in closure.resolved)
