"""A small root filesystem with a real loader in it, and the files that one rule needs, linked in milliseconds.

The loader's own list (inside the root, through bubblewrap, with /proc) is compared with ours.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scratchpack.loader.model import LoaderEnv
from scratchpack.loader.objects import Objects
from scratchpack.loader.resolve import LoaderSession, Placed
from scratchpack.sysroot.dirroot import DirRoot
from tests.oracle.loaders import GLIBC, Traced, parse
from tests.support import tools
from tests.support.build import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scratchpack.loader.model import Closure

MUSL = "/lib/ld-musl-x86_64.so.1"
MUSL_LIBC = Path("/lib/x86_64-linux-musl/libc.so")
START = '__attribute__((used)) void _start(void) { __asm__("mov $60, %eax\\n xor %edi, %edi\\n syscall"); }\n'
RPATH, RUNPATH = ("--disable-new-dtags", "-rpath"), ("--enable-new-dtags", "-rpath")


class Agreed(NamedTuple):
    """What both loaders said, the interpreter's own row left out."""

    paths: tuple[str, ...]
    missing: tuple[str, ...]
    fatal: str
    closure: Closure


class World:
    """One root. Libraries and programs hold nothing but their dynamic sections."""

    def __init__(self, home: Path, loader: str = GLIBC) -> None:
        self.home = home
        self.root = home / "root"
        self.loader = loader
        self.musl = loader == MUSL
        for directory in ("proc", "dev", "etc", "lib", "usr/lib"):
            (self.root / directory).mkdir(parents=True)
        if self.musl:
            if not MUSL_LIBC.exists():
                tools.missing("musl's loader is not on this machine (Debian package: musl)")
            self.copy(MUSL_LIBC, loader)
        else:
            self.copy(Path(GLIBC), loader)
        tools.need("bwrap", package="bubblewrap")
        self._objects = home / "objects"
        self._objects.mkdir()
        for name, source in (("empty", "int nothing;\n"), ("start", START)):
            self.compile(name, source)

    def compile(self, name: str, source: str, *flags: str) -> Path:
        """One object file."""
        out = self._objects / f"{name}.o"
        text = out.with_suffix(".c")
        text.write_text(source)
        run(
            [
                tools.need("gcc", package="gcc"),
                "-c",
                "-fPIC",
                "-fno-asynchronous-unwind-tables",
                *flags,
                "-o",
                out,
                text,
            ]
        )
        return out

    def path(self, path: str) -> Path:
        """Where a path of the root stands on this machine."""
        return self.root / path.lstrip("/")

    def copy(self, source: Path, path: str) -> None:
        """A file of this machine, links followed."""
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)

    def write(self, path: str, data: str | bytes) -> None:
        """A file of any bytes."""
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)

    def link(self, path: str, target: str) -> None:
        """A symbolic link."""
        at = self.path(path)
        at.parent.mkdir(parents=True, exist_ok=True)
        at.symlink_to(target)

    def _stub(self, name: str) -> Path:
        out = self._objects / f"stub-{hashlib.sha256(name.encode()).hexdigest()[:16]}.so"
        if not out.exists():
            run(["ld", "-shared", "-o", out, self._objects / "empty.o", "-soname", name])
        return out

    def _link(self, path: str, words: Sequence[str | Path], needs: Sequence[str]) -> Path:
        out = self.path(path)
        out.parent.mkdir(parents=True, exist_ok=True)
        run(["ld", "-o", out, *words, "--no-as-needed", *(self._stub(name) for name in needs)])
        return out

    def lib(
        self, path: str, needs: Sequence[str] = (), *flags: str, soname: str | None = None, objects: Sequence[Path] = ()
    ) -> Path:
        """A shared library; its soname is the file's name unless another ("" for none) is given."""
        name = os.path.basename(path) if soname is None else soname
        own = ["-soname", name] if name else []
        return self._link(path, ["-shared", *(objects or [self._objects / "empty.o"]), *own, *flags], needs)

    def program(self, path: str, needs: Sequence[str] = (), *flags: str, objects: Sequence[Path] = ()) -> Path:
        """A program that exits at once with status 0."""
        start = [self._objects / "start.o", *objects]
        return self._link(
            path, ["-pie", "-dynamic-linker", self.loader, *start, "--allow-shlib-undefined", *flags], needs
        )

    def run(self, words: Sequence[str], *, cwd: str = "/", **env: str) -> subprocess.CompletedProcess[str]:
        """Start something of our own inside the root (S1)."""
        sets = [word for name, value in env.items() for word in ("--setenv", name, value)]
        command = [
            "bwrap",
            "--bind",
            str(self.root),
            "/",
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            "--chdir",
            cwd,
            "--clearenv",
        ]
        return subprocess.run(
            [*command, *sets, "--", *words], capture_output=True, text=True, errors="surrogateescape", check=False
        )

    def real(self, program: str, *, cwd: str = "/", **env: str) -> Traced:
        """The real loader's list of one of our programs."""
        if self.musl:
            done = self.run([self.loader, "--list", program], cwd=cwd, **env)
            missing = tuple(
                line.removeprefix("Error loading shared library ").partition(": ")[0]
                for line in done.stderr.splitlines()
                if line.startswith("Error loading shared library ")
                and ("No such file" in line or "No error information" in line)
            )
            paths, _ = parse(done.stdout)
            fatal = "" if done.returncode == 0 or missing else done.stderr.strip() or f"status {done.returncode}"
            return Traced(paths, missing, fatal)
        done = self.run([program], cwd=cwd, LD_TRACE_LOADED_OBJECTS="1", **env)
        paths, missing = parse(done.stdout)
        return Traced(
            paths, missing, "" if done.returncode == 0 else done.stderr.strip() or f"status {done.returncode}"
        )

    def session(self, program: str, env: LoaderEnv | None = None, *, cwd: str = "/") -> LoaderSession:
        """Our own answer."""
        root = DirRoot(str(self.root))
        return LoaderSession(Placed(root, program), root, env or LoaderEnv(cpu="baseline", working_dir=cwd), Objects())

    def ours(self, program: str, *, cwd: str = "/", cpu: str = "baseline", **env: str) -> Closure:
        """Our closure under the same variables."""
        given = LoaderEnv(
            env.get("LD_LIBRARY_PATH"), env.get("LD_PRELOAD"), env.get("LD_AUDIT"), working_dir=cwd, cpu=cpu
        )
        return self.session(program, given).on(cpu)

    def agree(self, program: str, *, cwd: str = "/", cpu: str = "baseline", **env: str) -> Agreed:
        """Both answers, which must be one."""
        theirs = self.real(program, cwd=cwd, **env)
        closure = self.ours(program, cwd=cwd, cpu=cpu, **env)
        ours = tuple(r.path for r in closure.resolved)
        fatal = next((p.detail for p in closure.errors if p.kind == "fatal-candidate"), "")
        missing = {p.name for p in closure.errors if p.kind == "missing"}
        assert bool(fatal) == bool(theirs.fatal), f"the loader: {theirs}; we: {closure.problems}"
        paths = tuple(path for path in ours if path != self.loader)
        if not fatal:
            assert set(theirs.missing) == missing, f"the loader: {theirs}; we: {closure.problems}"
            assert tuple(path for path in theirs.paths if path != self.loader) == paths, f"the loader: {theirs}"
        return Agreed(paths, tuple(sorted(missing)), theirs.fatal, closure)
