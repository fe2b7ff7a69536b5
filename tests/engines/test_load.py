"""``--load`` into the real engines: the image is there under its names and runs; what the engine has is not sent again."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from scratchpack.engines import docker as docker_engine
from scratchpack.engines.choose import engine as engine_of
from scratchpack.errors import RemoteError, UsageError
from scratchpack.oci.model import Release, Tagged
from scratchpack.oci.source import read_images
from scratchpack.oci.store import open_store
from scratchpack.sinks import engine
from tests.support import build, releases

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Containerd, Docker, Podman

NAMES = ("docker.io/library/loaded:v1", "example.org/team/loaded:v2")


class Sent:
    """Notes how many bytes an engine was to be sent."""

    def __init__(self) -> None:
        self.total = 0

    def __call__(self, what: str, done: int, total: int) -> None:
        assert what == "loading"
        assert 0 <= done <= total
        self.total = total


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = build.cc(tmp_path_factory.mktemp("load") / "hello", build.HELLO_C, "-static")
    return path.read_bytes()


def two_layers(program: bytes, data: bytes) -> Release:
    """A base of 5 MB that does not compress, and the program above it."""
    base = releases.layer(base=random.Random(5).randbytes(5 << 20))
    return releases.release(releases.image([base, releases.layer(hello=program, data=data)]), names=NAMES)


def test_docker_loads_it_and_runs_it(docker: Docker, program: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    release = two_layers(program, b"first")
    receipts = engine.EngineSink("docker").write(release)
    assert [(one.dest, one.engine) for one in receipts] == [(name, "docker") for name in NAMES]
    for name in NAMES:
        assert docker.run_image(name).out == "hello from C\n"
        assert (
            docker("image", "inspect", "--format", "{{.Id}}", name).out.strip() == release.images[0].config_blob.digest
        )


def test_docker_is_not_sent_a_layer_it_has(docker: Docker, program: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    engine.EngineSink("docker").write(two_layers(program, b"first"))
    sent, release = Sent(), two_layers(program, b"second")
    engine.EngineSink("docker", progress=sent).write(release)
    assert 0 < sent.total < 2 << 20
    assert docker.run_image(NAMES[0]).out == "hello from C\n"
    assert (
        docker("image", "inspect", "--format", "{{.Id}}", NAMES[1]).out.strip() == release.images[0].config_blob.digest
    )


def test_docker_is_sent_nothing_of_an_image_it_has(
    docker: Docker, program: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    release = two_layers(program, b"first")
    engine.EngineSink("docker").write(release)
    sent, renamed = Sent(), Release((Tagged(release.images, ("docker.io/library/another:name",)),))
    engine.EngineSink("docker", progress=sent).write(renamed)
    assert sent.total == 0
    assert docker.run_image("another:name").out == "hello from C\n"


def test_docker_gets_everything_where_leaving_out_fails(
    docker: Docker, program: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    release = two_layers(program, b"third")
    every = frozenset(layer.blob.digest for layer in release.images[0].layers)
    monkeypatch.setattr(docker_engine.Docker, "_present", lambda *_: every)
    engine.EngineSink("docker").write(release)
    assert docker.run_image(NAMES[0]).out == "hello from C\n"


def test_a_podman_loads_it_and_runs_it(
    podman: Podman, program: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _command(podman.command, "podman", tmp_path, monkeypatch)
    release, sent = two_layers(program, b"first"), Sent()
    engine.EngineSink("podman").write(release)
    for name in NAMES:
        assert podman.run_image(name).out == "hello from C\n"
    engine.EngineSink("podman", progress=sent).write(Release((Tagged(release.images, ("example.org/another:name",)),)))
    assert sent.total == 0
    assert podman.run_image("example.org/another:name").out == "hello from C\n"


def test_containerd_loads_it_and_runs_it_and_is_not_sent_what_it_has(
    containerd: Containerd, program: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTAINERD_ADDRESS", containerd.address)
    monkeypatch.setenv("CONTAINERD_SNAPSHOTTER", "native")
    engine.EngineSink("containerd").write(two_layers(program, b"first"))
    for name in NAMES:
        assert containerd.run_image(name).out == "hello from C\n"
    sent, release = Sent(), two_layers(program, b"second")
    engine.EngineSink("containerd", progress=sent).write(release)
    assert 0 < sent.total < 2 << 20
    assert release.top.digest in containerd("images", "ls").out
    assert containerd.run_image(NAMES[0]).out == "hello from C\n"


def _command(command: tuple[str, ...], name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the engine's command, with the options that keep it in its own place, first in PATH."""
    script = place / name
    script.write_text("#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in command) + ' "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")


def test_the_first_engine_that_answers_is_taken(
    containerd: Containerd, program: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("CONTAINERD_ADDRESS", containerd.address)
    monkeypatch.setenv("CONTAINERD_SNAPSHOTTER", "native")
    _command(("false",), "podman", tmp_path, monkeypatch)
    receipts = engine.EngineSink().write(two_layers(program, b"first"))
    assert (receipts[0].dest, receipts[0].engine) == (NAMES[0], "containerd")


def test_without_an_engine_every_reason_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RemoteError, match="no engine answers") as caught:
        engine.EngineSink().write(releases.release(*releases.small().images, names=NAMES))
    assert caught.value.exit_code == 8
    assert [reason.split(":")[0] for reason in caught.value.details] == ["docker", "podman", "containerd"]
    assert "No such file" in caught.value.details[0]


@pytest.mark.parametrize("host", ["fd://", "tcp://", "npipe:////./pipe/docker"])
def test_a_docker_host_that_is_none_is_said_so(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(RemoteError, match="docker does not answer") as caught:
        engine.EngineSink("docker").write(releases.release(*releases.small().images, names=NAMES))
    assert "DOCKER_HOST is" in caught.value.details[0]


def test_an_engine_we_do_not_know_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="lxc"):
        engine.EngineSink("lxc").write(releases.release(*releases.small().images, names=NAMES))


def test_an_image_without_a_name_is_not_loaded() -> None:
    with pytest.raises(UsageError, match="without a name"):
        engine.EngineSink("docker").write(releases.small())


def _saved(name: str, reference: str, place: Path) -> tuple[str, ...]:
    """The names in what the engine saves, and that the image it names is the one that was loaded."""
    with (place / f"{name}.tar").open("wb") as output:
        engine_of(name).save(reference, output)
    with open_store(str(place / f"{name}.tar")) as store:
        (image,) = read_images(store)
        assert image.config["config"]["Entrypoint"] == ["/hello"]
        return image.references


def test_docker_saves_and_runs_an_image_over_its_socket(
    docker: Docker, program: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    engine.EngineSink("docker").write(two_layers(program, b"first"))
    assert any("loaded:v1" in name for name in _saved("docker", NAMES[0], tmp_path))
    assert engine_of("docker").run(NAMES[0], (), timeout=60).out == b"hello from C\n"
    with (tmp_path / "none").open("wb") as output, pytest.raises(RemoteError, match="cannot get none:1 from docker"):
        engine_of("docker").save("none:1", output)


def test_podman_saves_an_image(podman: Podman, program: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _command(podman.command, "podman", tmp_path, monkeypatch)
    engine.EngineSink("podman").write(two_layers(program, b"first"))
    assert NAMES[1] in _saved("podman", NAMES[1], tmp_path)
    with (tmp_path / "none").open("wb") as output, pytest.raises(RemoteError, match="cannot get none:1 from podman"):
        engine_of("podman").save("none:1", output)


def test_containerd_saves_and_runs_an_image(
    containerd: Containerd, program: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTAINERD_ADDRESS", containerd.address)
    monkeypatch.setenv("CONTAINERD_SNAPSHOTTER", "native")
    engine.EngineSink("containerd").write(two_layers(program, b"first"))
    assert NAMES[0] in _saved("containerd", NAMES[0], tmp_path)
    assert engine_of("containerd").run(NAMES[0], ("/hello",), timeout=60)[:2] == (0, b"hello from C\n")
    with (
        (tmp_path / "none").open("wb") as output,
        pytest.raises(RemoteError, match="cannot get none:1 from containerd"),
    ):
        engine_of("containerd").save("none:1", output)


def test_a_password_in_docker_host_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://gopher:sesame@[::1")
    with pytest.raises(RemoteError) as caught:
        engine.EngineSink("docker").write(releases.release(*releases.small().images, names=NAMES))
    assert "sesame" not in str(caught.value.details)
