"""The matrix of consumers and outputs, against the real ones: whatever we write is taken, under its names, and runs.

I1 to I6, I13 and I19 of the image rules, each by the engine that is known to mind.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

from scratchpack.elf.machines import Platform
from scratchpack.oci.image import make_image
from scratchpack.oci.index import make_release
from scratchpack.oci.layer import build_layer
from scratchpack.oci.model import Healthcheck, ImageConfig
from scratchpack.rootfs import Directory, File, Rootfs, Source, Symlink, inline
from scratchpack.sinks.archive import Archive
from scratchpack.sinks.layout import OciLayout
from tests.support import build

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scratchpack.oci.model import Image, Release
    from scratchpack.oci.spool import Spool
    from tests.support.engines import Containerd, Docker, Engine, Podman

HOST = Platform("linux", "amd64")
OTHER = Platform("linux", "arm64", "v8")
FULL = "docker.io/library/hello:latest"
CHECK = Healthcheck(("CMD", "/hello"), interval=30_000_000_000, retries=3)


class Made(NamedTuple):
    """An output and what it should hold."""

    path: Path
    release: Release

    @property
    def digest(self) -> str:
        return self.release.top.digest

    @property
    def config_digest(self) -> str:
        return self.release.images[0].config_blob.digest


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.cc(tmp_path_factory.mktemp("program") / "hello", build.HELLO_C, "-static", "-s")


def rootfs(program: Path, mark: str) -> Rootfs:
    """A program and one of everything else that a layer can hold; another mark, another diff_id."""
    source = Source(program.stat().st_size, lambda: program.open("rb"), (str(program),))
    return Rootfs(
        [
            File("/hello", source, mode=0o755),
            File("/etc/mark", inline(mark.encode())),
            File("/usr/lib/one", inline(b"linked"), inode=(0, 1)),
            File("/usr/lib/two", inline(b"linked"), inode=(0, 1)),
            Symlink("/lib", "usr/lib"),
            Directory("/tmp", 0o1777),
            File("/opt/" + "long/" * 40 + "n" * 120, inline(b"long")),
        ]
    )


def make(
    program: Path, spool: Spool, platforms: Sequence[Platform] = (HOST,), compression: str = "gzip"
) -> list[Image]:
    # An engine that has the diff_id already never looks into the layer, so that each compression has its own.
    layer = build_layer(rootfs(program, compression), spool=spool, compression=compression)
    configs = [
        ImageConfig(platform, entrypoint=("/hello",), env=(("A", "b c"),), labels=(("l", "é"),), healthcheck=CHECK)
        for platform in platforms
    ]
    return [make_image(config, [layer], annotations={"note": "x"}) for config in configs]


def docker_archive(
    path: Path,
    program: Path,
    names: Sequence[str] = ("hello",),
    platforms: Sequence[Platform] = (HOST,),
    compression: str = "gzip",
) -> Made:
    with Archive(str(path)) as archive:
        release = make_release(make(program, archive, platforms, compression), names)
        archive.write(release)
    return Made(path, release)


@pytest.fixture(scope="session")
def archives(program: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    """The docker archive in every compression."""
    home = tmp_path_factory.mktemp("archives")
    return {
        kind: docker_archive(home / f"{kind}.tar", program, (f"hello-{kind}",), compression=kind)
        for kind in ("gzip", "none", "zstd")
    }


@pytest.fixture(scope="session")
def layout(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A layout directory."""
    path = tmp_path_factory.mktemp("layout") / "l"
    with OciLayout(str(path)) as writer:
        release = make_release(make(program, writer), ["hello"])
        writer.write(release)
    return Made(path, release)


@pytest.fixture(scope="session")
def oci_archive(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """An OCI archive without Docker's manifest.json."""
    path = tmp_path_factory.mktemp("oci") / "o.tar"
    with Archive(str(path), kind="oci") as writer:
        release = make_release(make(program, writer), ["hello-oci"])
        writer.write(release)
    return Made(path, release)


@pytest.mark.parametrize("kind", ["gzip", "none", "zstd"])
class TestEveryCompression:
    """I13: gzip and none everywhere; zstd where the engine knows it, which dockerd 20.10 does not."""

    def test_docker_loads_and_runs_it(self, docker: Docker, archives: dict[str, Made], kind: str) -> None:
        made = archives[kind]
        if kind == "zstd" and docker("version", "--format", "{{.Server.Version}}").out.startswith("20.10."):
            refused = docker("load", "-i", made.path, check=False)
            assert (refused.status, "invalid tar header" in refused.err) == (1, True)
            return
        assert f"Loaded image: hello-{kind}:latest" in docker.load(made.path)
        seen = json.loads(docker("image", "inspect", f"hello-{kind}").out)[0]
        assert seen["Id"] == made.config_digest
        assert (seen["Architecture"], seen["Os"]) == ("amd64", "linux")
        assert seen["Config"]["Healthcheck"]["Test"] == ["CMD", "/hello"]  # I18
        assert seen["Config"]["Labels"] == {"l": "é"}
        assert docker.run_image(f"hello-{kind}").out == "hello from C\n"

    def test_podman_loads_and_runs_it(self, podman: Podman, archives: dict[str, Made], kind: str) -> None:
        made = archives[kind]
        assert f"docker.io/library/hello-{kind}:latest" in podman.load(made.path)
        assert podman.run_image(f"hello-{kind}").out == "hello from C\n"

    def test_containerd_imports_and_runs_it(self, containerd: Containerd, archives: dict[str, Made], kind: str) -> None:
        made = archives[kind]
        containerd.load(made.path)
        name = f"docker.io/library/hello-{kind}:latest"
        (line,) = [line for line in containerd("images", "ls").out.splitlines() if line.startswith(name + " ")]
        assert made.digest in line
        assert containerd.run_image(name).out == "hello from C\n"

    def test_skopeo_reads_it_both_ways(self, skopeo: Engine, archives: dict[str, Made], kind: str) -> None:
        made = archives[kind]
        assert json.loads(skopeo("inspect", f"docker-archive:{made.path}").out)["Architecture"] == "amd64"
        assert json.loads(skopeo("inspect", f"oci-archive:{made.path}").out)["Digest"] == made.digest

    def test_skopeo_copies_it_with_its_digest(
        self, skopeo: Engine, archives: dict[str, Made], kind: str, tmp_path: Path
    ) -> None:
        made = archives[kind]
        skopeo("copy", "--preserve-digests", f"oci-archive:{made.path}", f"dir:{tmp_path}/copy")
        assert json.loads(skopeo("inspect", f"dir:{tmp_path}/copy").out)["Digest"] == made.digest

    def test_buildah_starts_from_it(self, buildah: Engine, archives: dict[str, Made], kind: str) -> None:
        container = buildah("from", f"oci-archive:{archives[kind].path}").out.strip()
        try:
            assert buildah("run", "--isolation", "chroot", container, "/hello").out == "hello from C\n"
        finally:
            buildah("rm", container)


def unpack(umoci: Engine, layout: Path, tmp_path: Path) -> Path:
    umoci("unpack", "--image", f"{layout}:latest", tmp_path / "bundle")
    return tmp_path / "bundle" / "rootfs"


@pytest.mark.parametrize("kind", ["gzip", "none"])
def test_umoci_unpacks_the_archive(umoci: Engine, archives: dict[str, Made], kind: str, tmp_path: Path) -> None:
    """I6, I9: umoci minds os and diff_ids."""
    (tmp_path / "l").mkdir()
    subprocess.run(["tar", "-xf", archives[kind].path, "-C", tmp_path / "l"], check=True)
    tree = unpack(umoci, tmp_path / "l", tmp_path)
    assert subprocess.run([tree / "hello"], capture_output=True, check=True).stdout == b"hello from C\n"
    assert (tree / "usr/lib/one").samefile(tree / "usr/lib/two")
    assert (tree / "lib").is_symlink()
    assert (tree / ("opt/" + "long/" * 40 + "n" * 120)).read_bytes() == b"long"
    assert oct((tree / "tmp").stat().st_mode) == "0o41777"  # I17


def test_umoci_and_skopeo_take_the_layout(umoci: Engine, skopeo: Engine, layout: Made, tmp_path: Path) -> None:
    assert json.loads(skopeo("inspect", f"oci:{layout.path}:latest").out)["Digest"] == layout.digest
    assert (unpack(umoci, layout.path, tmp_path) / "hello").exists()


def test_everyone_takes_the_oci_archive(
    podman: Podman, containerd: Containerd, skopeo: Engine, oci_archive: Made
) -> None:
    assert "docker.io/library/hello-oci:latest" in podman.load(oci_archive.path)
    assert podman.run_image("hello-oci").out == "hello from C\n"
    containerd.load(oci_archive.path)
    assert containerd.run_image("docker.io/library/hello-oci:latest").out == "hello from C\n"
    assert json.loads(skopeo("inspect", f"oci-archive:{oci_archive.path}").out)["Digest"] == oci_archive.digest


def test_several_names_arrive_under_all_of_them(
    docker: Docker, podman: Podman, containerd: Containerd, skopeo: Engine, program: Path, tmp_path: Path
) -> None:
    """I3, I4."""
    names = ("many:1", "many:latest", "registry.example.com:5000/team/many:2")
    made = docker_archive(tmp_path / "a.tar", program, names)
    printed = docker.load(made.path)
    assert all(f"Loaded image: {name}" in printed for name in names)
    podman.load(made.path)
    stored = podman("images", "--format", "{{.Repository}}:{{.Tag}}").out.split()
    assert {"docker.io/library/many:1", "docker.io/library/many:latest", names[2]} <= set(stored)
    assert not any(name.startswith("localhost/") for name in stored)
    containerd.load(made.path)
    listed = containerd("images", "ls", "-q").out.split()
    assert {"docker.io/library/many:1", "docker.io/library/many:latest", names[2]} <= set(listed)
    for tag in ("1", "latest", "2"):
        assert json.loads(skopeo("inspect", f"oci-archive:{made.path}:{tag}").out)["Digest"] == made.digest


def test_several_platforms_arrive_as_an_index(
    docker: Docker, podman: Podman, containerd: Containerd, skopeo: Engine, program: Path, tmp_path: Path
) -> None:
    """I5: docker gets the first platform, the others take theirs from the index."""
    made = docker_archive(tmp_path / "a.tar", program, ("platforms",), (HOST, OTHER))
    assert "Loaded image: platforms:latest" in docker.load(made.path)
    assert docker.run_image("platforms").out == "hello from C\n"
    podman.load(made.path)
    assert podman.run_image("platforms").out == "hello from C\n"
    containerd("images", "import", "--all-platforms", "--snapshotter", "native", made.path)
    (line,) = [line for line in containerd("images", "ls").out.splitlines() if "library/platforms:latest " in line]
    assert made.digest in line
    assert "linux/amd64,linux/arm64" in line
    assert containerd.run_image("docker.io/library/platforms:latest").out == "hello from C\n"
    raw = skopeo("inspect", "--raw", f"oci-archive:{made.path}").out
    assert [entry["platform"]["architecture"] for entry in json.loads(raw)["manifests"]] == ["amd64", "arm64"]
    for arch in ("amd64", "arm64"):
        inspected = skopeo("--override-arch", arch, "inspect", f"oci-archive:{made.path}").out
        assert json.loads(inspected)["Architecture"] == arch


def test_a_name_less_archive_still_loads(docker: Docker, podman: Podman, program: Path, tmp_path: Path) -> None:
    """I1: RepoTags is a list, never null."""
    made = docker_archive(tmp_path / "a.tar", program, ())
    assert made.config_digest in docker.load(made.path)
    assert podman.load(made.path)


def test_what_docker_saves_again_has_the_same_layer(docker: Docker, archives: dict[str, Made], tmp_path: Path) -> None:
    docker.load(archives["gzip"].path)
    seen = json.loads(docker("image", "inspect", "hello-gzip").out)[0]
    assert seen["RootFS"]["Layers"] == [layer.diff_id for layer in archives["gzip"].release.images[0].layers]
