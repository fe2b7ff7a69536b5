"""Templates built unchanged on stand-ins for their bases, with BuildKit, the classic builder and buildah (T1, T5, T6)."""

from __future__ import annotations

import json
import shutil
import tarfile
from typing import TYPE_CHECKING

import pytest

from scratchpack.scaffold.dockerfile import Wishes, dockerfile
from scratchpack.scaffold.languages import TOOL_IMAGE, find
from tests.support import saved, standin
from tests.support.cli import HOME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.engines import Docker, Engine

GO = "golang:1.27-alpine"
GCC = "gcc:14-bookworm"
# Every builder and every template is built in `make test`; all pairs of them in `make campaign`.
LONG = pytest.mark.campaign
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
ZONE = "/usr/share/zoneinfo/Etc/UTC"


def _gcc(root: standin.Root) -> None:
    standin.gcc(root)
    root.programs("make")


@pytest.fixture(scope="module")
def bases(docker: Docker, buildah: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Go and C, each under the name its template asks for."""
    home = tmp_path_factory.mktemp("bases")
    makers: tuple[tuple[str, Callable[[standin.Root], None]], ...] = (
        (GO, lambda root: standin.go(root, "fmt")),
        (GCC, _gcc),
        (TOOL_IMAGE, lambda root: root.files(CERTIFICATES, ZONE)),
    )
    for name, make in makers:
        root = standin.Root(home / f"{name.partition(':')[0]}.tar")
        standin.shell(root)
        make(root)
        root.close()
        standin.give(root.archive, name, docker, buildah)
        root.archive.unlink()


def _context(tmp_path: Path, language: str, sources: Path, wishes: Wishes) -> Path:
    context = tmp_path / "context"
    shutil.copytree(sources, context, ignore=shutil.ignore_patterns("sample.toml", "Makefile"))
    (context / "Dockerfile").write_text(dockerfile(find(language), wishes))
    return context


def _built(kind: str, context: Path, docker: Docker, buildah: Engine, *words: str) -> saved.Saved:
    """Build, save, and run what was built with docker; the image is gone afterwards."""
    tag, archive = f"multi-{kind}:1", context.parent / "built.tar"
    if kind == "buildah":
        buildah("bud", "--isolation", "chroot", "--pull-never", *words, "--tag", tag, context, timeout=300)
        buildah("push", "--quiet", f"localhost/{tag}", f"docker-archive:{archive}:{tag}")
        buildah("rmi", f"localhost/{tag}")
        docker("load", "-i", archive)
    else:
        switch = {"DOCKER_BUILDKIT": "1" if kind == "buildkit" else "0"}
        docker("build", "--network=none", *words, "--tag", tag, context, env=switch, timeout=300)
        docker("save", "--output", archive, tag)
    return saved.read(archive)


def _run(kind: str, docker: Docker) -> str:
    try:
        return docker.run_image(f"multi-{kind}:1").out
    finally:
        docker("rmi", "--force", f"multi-{kind}:1")


CASES = {
    "go": ("go", HOME / "sample_apps/hello_go", Wishes(name="hello"), "hello from Go\n"),
    "c": ("c", HOME / "sample_apps/hello_c", Wishes(name="a b $x", build_args=("-DX='y z'",)), None),
    "c-static-pie": ("c", HOME / "sample_apps/hello_c", Wishes(link="static-pie"), None),
}


@pytest.mark.usefixtures("bases")
@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("c", "classic"),
        ("c", "buildkit"),
        ("go", "buildah"),
        ("c-static-pie", "buildkit"),
        pytest.param("go", "buildkit", marks=LONG),
        pytest.param("c", "buildah", marks=LONG),
        pytest.param("c-static-pie", "buildah", marks=LONG),
    ],
)
def test_a_template_builds_unchanged_and_holds_the_program_alone(
    case: str, kind: str, docker: Docker, buildah: Engine, tmp_path: Path
) -> None:
    language, sources, wishes, said = CASES[case]
    context = _context(tmp_path, language, sources, wishes._replace(cache_mounts=kind != "classic"))
    image = _built(kind, context, docker, buildah)
    path = f"/{wishes.name}"
    assert list(image.entries) == [path], "FROM scratch, and nothing but the program"
    assert image.entries[path].mode == 0o755
    assert image.config["config"]["Entrypoint"] == [path]
    assert image.config["config"]["User"] == "65532:65532"
    out = _run(kind, docker)
    assert out == said if said else out.startswith("hello")


@pytest.mark.usefixtures("bases")
@pytest.mark.parametrize("kind", ["buildkit", pytest.param("buildah", marks=LONG)])
def test_certificates_time_zones_and_a_name_that_looks_like_a_heredoc(
    kind: str, docker: Docker, buildah: Engine, tmp_path: Path
) -> None:
    """S12: BuildKit's own parser reads heredocs, which the parser of the other tests does not know."""
    wishes = Wishes(name="<<EOF", certificates=True, timezones=True, user="7:8", build_args=("-DY=<<EOF", "-DX='a\\'"))
    image = _built(kind, _context(tmp_path, "c", HOME / "sample_apps/hello_c", wishes), docker, buildah)
    assert _run(kind, docker).startswith("hello")
    files = {path for path, entry in image.entries.items() if entry.kind != "directory"}
    assert files == {"/<<EOF", CERTIFICATES, ZONE}
    assert image.config["config"]["User"] == "7:8"
    assert f"SSL_CERT_FILE={CERTIFICATES}" in image.config["config"]["Env"]


@pytest.mark.usefixtures("bases")
@pytest.mark.parametrize("kind", ["classic", pytest.param("buildkit", marks=LONG), pytest.param("buildah", marks=LONG)])
def test_make_builds_anew_what_came_along_with_the_sources(
    kind: str, docker: Docker, buildah: Engine, tmp_path: Path
) -> None:
    """make goes by times: a program that the user built before is newer than its sources, and linked otherwise."""
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "hello.c").write_text('#include <stdio.h>\nint main(void) { puts("made here"); return 0; }\n')
    (sources / "GNUmakefile").write_text("hello: hello.c\n\t$(CC) $(LDFLAGS) -o $@ hello.c\n")
    (sources / "hello").write_text("#!/bin/sh\necho made elsewhere\n")
    wishes = Wishes(build_system="make", package="hello", cache_mounts=kind != "classic")
    image = _built(kind, _context(tmp_path, "c", sources, wishes), docker, buildah)
    assert list(image.entries) == ["/app"]
    assert _run(kind, docker) == "made here\n"


def _machine(archive: Path, path: str) -> int:
    """e_machine of a program in a docker archive."""
    with tarfile.open(archive) as outer:
        manifest = json.load(outer.extractfile("manifest.json"))  # type: ignore[arg-type]
        for name in manifest[0]["Layers"]:
            with tarfile.open(fileobj=outer.extractfile(name)) as layer:
                if path in layer.getnames():
                    return int.from_bytes(layer.extractfile(path).read(20)[18:], "little")  # type: ignore[union-attr]
    raise AssertionError(path)


@pytest.mark.usefixtures("bases")
@pytest.mark.parametrize(
    ("kind", "said_by"),
    [
        ("buildkit", "template"),
        pytest.param("buildkit", "builder", marks=LONG),
        pytest.param("buildah", "template", marks=LONG),
    ],
)
def test_go_cross_compiles_without_emulation(
    kind: str, said_by: str, docker: Docker, buildah: Engine, tmp_path: Path
) -> None:
    """The compiler runs on this machine; the program, and what the image says of itself, are arm64's."""
    wishes = Wishes(platform="linux/arm64" if said_by == "template" else None)
    # BuildKit labels what is FROM scratch with its own target; buildah 1.28 wants that target of the build stage's base too
    words = ("--platform", "linux/arm64") if kind == "buildkit" else ()
    context = _context(tmp_path, "go", HOME / "sample_apps/hello_go", wishes)
    image = _built(kind, context, docker, buildah, *words)
    docker("rmi", "--force", f"multi-{kind}:1")
    assert list(image.entries) == ["/app"]
    assert image.config["architecture"] == "arm64"
    assert _machine(tmp_path / "built.tar", "app") == 0xB7
