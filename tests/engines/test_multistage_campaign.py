"""The templates of the other languages, built unchanged on a Debian root that holds their toolchains (T1, T2); `make campaign`.

The root is debootstrapped here (about 3 GB), or is the tar that SCRATCHPACK_TOOLCHAINS names, as an earlier run left it.
It stands in under the name of each template's own base.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from scratchpack.scaffold.dockerfile import Wishes, context, dockerfile
from scratchpack.scaffold.languages import PYINSTALLER, TOOL_IMAGE, find
from tests.support import engines, saved, standin, tools
from tests.support.cli import HOME

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.campaign, pytest.mark.xdist_group("toolchains")]

PACKAGES = (
    *(
        "gcc",
        "g++",
        "make",
        "libc6-dev",
        "rustc",
        "cargo",
        "nim",
        "musl-tools",
        "ldc",
        "dub",
        "ocaml-nox",
        "ocaml-dune",
    ),
    *("opam", "ghc", "cabal-install", "crystal", "libevent-dev", "libpcre2-dev", "libpcre3-dev", "libgc-dev"),
    *("zlib1g-dev", "libgmp-dev", "git", "python3", "python3-pip", "python3-venv", "libpython3.11"),
)


class Case(NamedTuple):
    """One template and what its program says."""

    language: str
    app: str
    said: str
    wishes: Wishes = Wishes()


CASES = {
    "go-cgo": Case("go-cgo", "go_cgo_app", "hello from Go and C"),
    "go-cgo-dynamic": Case("go-cgo", "go_cgo_app", "hello from Go and C", Wishes(link="dynamic")),
    "rust-gnu": Case("rust-gnu", "rust_app", "hello from Rust"),
    "rust-gnu-dynamic": Case("rust-gnu", "rust_app", "hello from Rust", Wishes(link="dynamic", name="a b")),
    "cpp": Case("cpp", "cpp_app", "hello from C++"),
    "cpp-dynamic": Case("cpp", "cpp_app", "hello from C++", Wishes(link="dynamic")),
    "zig": Case("zig", "zig_app", "hello from Zig"),
    "nim": Case("nim", "nim_app", "hello from Nim"),
    # Debian's Phobos leaves zlib out of its own archive; upstream's holds it
    "d": Case("d", "d_app", "hello from D", Wishes(build_args=("-defaultlib=phobos2-ldc,druntime-ldc,z",))),
    "ocaml": Case("ocaml", "ocaml_app", "hello from OCaml"),
    "haskell": Case("haskell", "haskell_app", "hello from Haskell"),
    "crystal": Case("crystal", "crystal_app", "hello from Crystal"),
    "pyinstaller": Case("pyinstaller", "python_app", "from Python"),
}


@pytest.fixture(scope="module")
def toolchains(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root as one tar."""
    ready = os.environ.get("SCRATCHPACK_TOOLCHAINS")
    if ready and Path(ready).exists():
        return Path(ready)
    engines.need_root("debootstrap")
    home = tmp_path_factory.mktemp("toolchains")
    made = standin.debian(home, PACKAGES, wheels=(f"pyinstaller=={PYINSTALLER}", str(HOME)))
    if ready:
        shutil.move(made, ready)
        return Path(ready)
    return made


@pytest.fixture(scope="module")
def builders(toolchains: Path) -> Iterator[tuple[engines.Docker, engines.Engine]]:
    """A dockerd and a buildah over overlayfs, which copy nothing of three gigabytes, with the root in both."""
    client, daemon = tools.need("docker", package="docker.io"), tools.need("dockerd", package="docker.io")
    with engines.place("tools") as home:
        docker = engines.Docker(home, client, "--host", f"unix://{home}/docker.sock")
        (home / "daemon.json").write_text("{}")
        command = [daemon, *(f"--{name}={home}/{name}" for name in ("data-root", "exec-root", "pidfile"))]
        command += [f"--config-file={home}/daemon.json", f"--host={docker.host}", "--iptables=false", "--bridge=none"]
        buildah = engines.Engine(
            home, tools.need("buildah", package="buildah"),
            "--root", f"{home}/b", "--runroot", f"{home}/br", "--storage-driver", "overlay",
        )  # fmt: skip
        with engines.daemon(home, [*command, "--storage-driver=overlay2"], lambda log: "API listen on" in log):
            standin.give(toolchains, "toolchains:1", docker, buildah, home=home)
            yield docker, buildah


def _name(docker: engines.Docker, buildah: engines.Engine, base: str) -> None:
    docker("tag", "toolchains:1", base)
    buildah("tag", standin.full_name("toolchains:1"), standin.full_name(base))


@pytest.mark.parametrize("kind", ["buildkit", "buildah"])
@pytest.mark.parametrize("name", CASES)
def test_a_template_builds_unchanged_and_its_program_runs(
    name: str, kind: str, builders: tuple[engines.Docker, engines.Engine], tmp_path: Path
) -> None:
    docker, buildah = builders
    case = CASES[name]
    language = find(case.language)
    values = context(language, case.wishes)
    for base in (str(values["image"]), TOOL_IMAGE):
        _name(docker, buildah, base)
    shutil.copytree(HOME / "sample_apps" / case.app, tmp_path / "context", ignore=shutil.ignore_patterns("Makefile"))
    (tmp_path / "context/Dockerfile").write_text(dockerfile(language, case.wishes))
    tag, archive = f"{name}-{kind}:1", tmp_path / "built.tar"
    if kind == "buildkit":
        switch = {"DOCKER_BUILDKIT": "1"}
        docker("build", "--network=none", "--tag", tag, tmp_path / "context", env=switch, timeout=900)
        docker("save", "--output", archive, tag)
    else:
        options = ("--isolation", "chroot", "--pull-never")
        buildah("bud", *options, "--tag", tag, tmp_path / "context", timeout=900)
        buildah("push", "--quiet", f"localhost/{tag}", f"docker-archive:{archive}:{tag}")
        docker("load", "-i", archive)
    image = saved.read(archive)
    assert case.said in "".join(docker.run_image(tag)[1:])
    entrypoint = str(values["entrypoint"])
    assert image.config["config"]["Entrypoint"] == [entrypoint]
    files = {path for path, entry in image.entries.items() if entry.kind != "directory"}
    if values["link"] == "dynamic":
        assert not {path for path in files if path.startswith(("/bin/", "/usr/bin/", "/etc/apt", "/src", "/root"))}
        assert len(files) < 120
    else:
        assert list(image.entries) == [entrypoint], "FROM scratch, and nothing but the program"
