"""What was pushed is pulled and run by docker, podman and containerd, with the digest that we said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scratchpack.sinks import engine
from scratchpack.sinks import registry as sink
from tests.support import build, releases

if TYPE_CHECKING:
    from pathlib import Path

    from scratchpack.oci.model import Release
    from tests.support.engines import Containerd, Docker, Podman, Registry


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """An index of two platforms, both with this machine's program: what is pulled is what is run."""
    program = build.cc(tmp_path_factory.mktemp("pulled") / "hello", build.HELLO_C, "-static").read_bytes()
    here = releases.image([releases.layer(hello=program)])
    there = releases.image([releases.layer(hello=program, other=b"arm")], releases.ARM64)
    return releases.release(here, there)


@pytest.fixture
def name(registry: Registry, image: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (receipt,) = sink.RegistrySink([f"{registry.host}/pulled/app:v1"]).write(image)
    assert receipt.digest == image.top.digest
    return receipt.dest


def test_docker_pulls_it_by_digest(docker: Docker, name: str) -> None:
    docker("pull", name)
    assert name in docker("image", "inspect", "--format", "{{.RepoDigests}}", name).out
    assert docker.run_image(name).out == "hello from C\n"


def test_podman_pulls_it_by_digest(podman: Podman, name: str) -> None:
    podman("pull", "--tls-verify=false", name)
    assert podman.run_image(name).out == "hello from C\n"


def test_containerd_pulls_it_by_digest(containerd: Containerd, name: str, image: Release) -> None:
    containerd("images", "pull", "--plain-http", "--snapshotter", "native", name)
    assert image.top.digest in containerd("images", "ls").out
    assert containerd.run_image(name).out == "hello from C\n"


@pytest.mark.parametrize("kind", ["docker", "containerd"])
def test_several_platforms_are_loaded_too(
    docker: Docker, containerd: Containerd, image: Release, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I5: docker gets the first platform, containerd the index."""
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    monkeypatch.setenv("CONTAINERD_ADDRESS", containerd.address)
    monkeypatch.setenv("CONTAINERD_SNAPSHOTTER", "native")
    loaded = releases.release(*image.images, names=["example.org/several:v1"])
    engine.EngineSink(kind).write(loaded)
    used = docker if kind == "docker" else containerd
    assert used.run_image("example.org/several:v1").out == "hello from C\n"
    if kind == "containerd":
        assert image.top.digest in containerd("images", "ls").out
