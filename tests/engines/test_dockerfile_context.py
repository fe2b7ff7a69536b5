"""``-o type=dockerfile``: three builders give the root filesystem and configuration that ``pack`` gives (S12, I17)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.elf.machines import Platform
from scratchpack.oci.image import make_image
from scratchpack.oci.index import make_release
from scratchpack.oci.layer import build_layer
from scratchpack.oci.model import Healthcheck, ImageConfig
from scratchpack.rootfs import Directory, File, Rootfs, Symlink, inline
from scratchpack.sinks.archive import Archive
from scratchpack.sinks.dockerfile import DockerfileContext
from tests.support import saved
from tests.support.build import HELLO_C, cc
from tests.support.cli import scratchpack
from tests.support.hostile import HOSTILE_NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Docker, Engine

AMD64 = Platform("linux", "amd64")
BUILDERS = ("buildkit", "classic", "buildah")
ENCODABLE = tuple(name for name in HOSTILE_NAMES if name.encode(errors="replace").decode() == name)

CAP_NET_RAW = bytes.fromhex("0100000200200000000000000000000000000000")  # vfs_cap_data, revision 2, effective


class Builder:
    """Builds a context and saves the image, with each of the three."""

    def __init__(self, docker: Docker, buildah: Engine) -> None:
        self._docker, self._buildah = docker, buildah

    def __call__(self, kind: str, context: Path, archive: Path, *words: str) -> saved.Saved:
        tag = f"context-{kind}:1"
        if kind == "buildah":
            options = ("--isolation", "chroot", "--format", "docker", "--pull-never", "--quiet")
            self._buildah("bud", *options, "--tag", tag, context)
            self._buildah("push", "--quiet", f"localhost/{tag}", f"docker-archive:{archive}")
            self._buildah("rmi", f"localhost/{tag}")
        else:
            switch = {"DOCKER_BUILDKIT": "1" if kind == "buildkit" else "0"}
            self._docker("build", "--network=none", "--quiet", *words, "--tag", tag, context, env=switch)
            self._docker("save", "--output", archive, tag)
            self._docker("rmi", "--force", tag)
        return saved.read(archive)


@pytest.fixture
def build(docker: Docker, buildah: Engine) -> Builder:
    """The three builders."""
    return Builder(docker, buildah)


def _file(path: str, text: str = "", mode: int = 0o644, **more: Any) -> File:
    return File(path, inline(text.encode() or path.encode(errors="surrogateescape")), mode, **more)


ROOTFS = Rootfs(
    [
        _file("/app", mode=0o755),
        _file("/usr/bin/setuid", mode=0o4755),
        _file("/usr/bin/ping", mode=0o755, xattrs=(("security.capability", CAP_NET_RAW),)),
        _file("/owned", uid=1000, gid=1001),
        _file("/one", "x", inode=(1, 1)),
        _file("/sub/two", "x", inode=(1, 1)),
        Symlink("/lib64", "usr/lib64"),
        Symlink("/dangling", "/nowhere/../x"),
        Directory("/tmp", 0o1777),
        Directory("/var/tmp", 0o1777),
        Directory("/home/nonroot", 0o700, 65532, 65532),
        Directory("/data", 0o750, 1000, 1000),
        Directory("/work dir", 0o1777),
        *(_file("/names/" + name) for name in HOSTILE_NAMES),
    ]
)
PLAIN = ImageConfig(AMD64, entrypoint=("/app",))
FULL = ImageConfig(
    AMD64,
    entrypoint=("/app", *ENCODABLE),
    cmd=ENCODABLE,
    env=(("A", "1"), ("B", "a b"), *((f"H{n}", name) for n, name in enumerate(ENCODABLE) if name.isprintable())),
    user="1000:1001",
    working_dir="/work dir",
    exposed_ports=("80/tcp", "53/udp"),
    volumes=("/data",),
    labels=(("org.example.a", "b c"), *((f"h{n}", name) for n, name in enumerate(ENCODABLE) if name.isprintable())),
    stop_signal="SIGINT",
    healthcheck=Healthcheck(("CMD", "/app", "--check", "$x"), 30 * 10**9, 1500 * 10**6, 10**9, 3),
    author='A "B" C',
)


def _packed(rootfs: Rootfs, config: ImageConfig, tmp_path: Path) -> saved.Saved:
    """What ``pack`` writes of the same values."""
    with Archive(str(tmp_path / "packed.tar")) as archive:
        archive.write(make_release([make_image(config, [build_layer(rootfs, spool=archive)])], ["packed:1"]))
    return saved.read(tmp_path / "packed.tar")


@pytest.mark.parametrize("kind", BUILDERS)
@pytest.mark.parametrize("config", [PLAIN, FULL], ids=["plain", "full"])
def test_the_context_builds_what_pack_writes_entry_by_entry(
    build: Builder, kind: str, config: ImageConfig, tmp_path: Path
) -> None:
    DockerfileContext(str(tmp_path / "context")).write(ROOTFS, config)
    built = build(kind, tmp_path / "context", tmp_path / "built.tar")
    packed = _packed(ROOTFS, config, tmp_path)
    assert built.entries == packed.entries
    assert built.entries["/tmp"].mode == 0o1777
    assert saved.run_config(built) == saved.run_config(packed)


@pytest.mark.parametrize("kind", ["buildkit", "buildah"])
def test_an_image_for_another_platform_says_so(build: Builder, kind: str, tmp_path: Path) -> None:
    """BuildKit takes it from its own --platform, as the report of `scratchpack dockerfile` says."""
    config = ImageConfig(Platform("linux", "arm64"), entrypoint=("/app",))
    DockerfileContext(str(tmp_path / "context")).write(ROOTFS, config)
    words = ("--platform", "linux/arm64") if kind == "buildkit" else ()
    built = build(kind, tmp_path / "context", tmp_path / "built.tar", *words)
    packed = _packed(ROOTFS, config, tmp_path)
    assert built.entries == packed.entries
    assert built.config["architecture"] == packed.config["architecture"] == "arm64"


@pytest.mark.parametrize("kind", BUILDERS)
def test_the_command_line_says_the_same_with_pack_and_with_dockerfile(
    build: Builder, kind: str, tmp_path: Path
) -> None:
    """A dynamic program, and a working directory that nothing else brings (I17)."""
    cc(tmp_path / "hello", HELLO_C)
    words = ("--workdir", "/tmp", "--env", "A=b c", "--label", "x=$y", "--expose", "80")
    assert scratchpack("pack", "hello", *words, "-o", "type=docker,dest=packed.tar", cwd=tmp_path).status == 0
    made = scratchpack("dockerfile", "hello", *words, cwd=tmp_path)
    assert made.out == "hello.context\n"
    assert "docker build --platform linux/" in made.err
    built = build(kind, tmp_path / "hello.context", tmp_path / "built.tar")
    packed = saved.read(tmp_path / "packed.tar")
    assert built.entries == packed.entries
    assert built.entries["/tmp"].mode == 0o1777
    assert saved.run_config(built) == saved.run_config(packed)
