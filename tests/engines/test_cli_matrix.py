"""The command line against real engines and registries: what it makes is taken, shown, verified, and can be sent again."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.engines import Containerd, Docker, Engine, Podman, Registry

_IMAGE = (
    *("--cmd", "now", "-e", "NAME=value", "-u", "nonroot", "-w", "/", "--expose", "8080", "--volume", "/data"),
    *("-l", "who=me", "--stop-signal", "SIGINT", "--healthcheck", "--interval=30s --retries=2 /hello"),
)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.cc(tmp_path_factory.mktemp("matrix") / "hello", build.HELLO_C, "-static", "-s")


@pytest.fixture(scope="module")
def arm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.foreign(tmp_path_factory.mktemp("matrix") / "hello-arm64")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "nobody").mkdir()
    return {"DOCKER_CONFIG": str(tmp_path / "nobody"), "REGISTRY_AUTH_FILE": "", "XDG_RUNTIME_DIR": ""}


def _command(engine: Engine, name: str, place: Path) -> dict[str, str]:
    """A PATH on which the engine's command keeps to the engine's own place."""
    place.mkdir(exist_ok=True)
    script = place / name
    script.write_text("#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in engine.command) + ' "$@"\n')
    script.chmod(0o755)
    return {"PATH": f"{place}:{os.environ['PATH']}"}


def test_docker_and_podman_show_every_option_and_run_the_named_user(
    docker: Docker, podman: Podman, program: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    """I15, I18: by way of both kinds of archive."""
    outputs = ("-o", "type=docker", "-o", "type=oci", "--iidfile", "iid")
    done = scratchpack(program, *_IMAGE, "-t", "shown:v1", *outputs, cwd=tmp_path, env=env)
    assert done.status == 0, done.err
    docker.load(tmp_path / "hello.tar")
    podman.load(tmp_path / "hello.oci.tar")
    for engine in (docker, podman):
        (shown,) = json.loads(engine("image", "inspect", "shown:v1").out)
        config = shown["Config"]
        assert config["Entrypoint"] == ["/hello"]
        assert config["Cmd"] == ["now"]
        assert "NAME=value" in config["Env"]
        assert config["User"] == "nonroot"
        assert config["WorkingDir"] == "/"
        assert config["ExposedPorts"] == {"8080/tcp": {}}
        assert config["Volumes"] == {"/data": {}}
        assert config["Labels"] == {"who": "me"}
        assert config["StopSignal"] == "SIGINT"
        # podman shows the health check of Docker's format alone, but keeps these very bytes
        assert shown["Id"].removeprefix("sha256:") == (tmp_path / "iid").read_text().removeprefix("sha256:")
        if "Healthcheck" in config:
            check = config["Healthcheck"]
            assert (check["Test"], check["Interval"], check["Retries"]) == (["CMD", "/hello"], 30 * 10**9, 2)
        else:
            assert engine is podman
        assert engine.run_image("shown:v1").out == "hello from C\n"


def test_one_run_writes_loads_and_pushes_one_digest(
    docker: Docker, registry: Registry, skopeo: Engine, program: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    name = f"{registry.host}/matrix/all:v1"
    words = ("-t", name, "-o", "type=docker", "-o", "type=oci,tar=false", "-o", f"type=registry,dest={name}-too")
    env = {**env, "DOCKER_HOST": docker.host}
    done = scratchpack("-q", program, *words, "--load=docker", "--push", cwd=tmp_path, env=env)
    assert (done.status, done.err) == (0, "")
    archive, layout, too, loaded, pushed = done.out.splitlines()
    assert (archive, layout, loaded) == ("hello.tar", "hello.oci", name)
    assert too == pushed
    raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{pushed}").out
    assert raw == skopeo("inspect", "--raw", f"oci:{tmp_path}/hello.oci").out
    assert raw == skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{name}-too").out
    assert docker.run_image(name).out == "hello from C\n"


def test_an_index_is_pushed_loaded_and_verified(
    docker: Docker, containerd: Containerd, registry: Registry, skopeo: Engine, program: Path, arm: Path, tmp_path: Path, env: dict[str, str]
) -> None:  # fmt: skip
    """I5: docker takes the first platform, containerd, skopeo and the registry all of them."""
    name = f"{registry.host}/matrix/two:v1"
    env = {
        **env,
        "CONTAINERD_ADDRESS": containerd.address,
        "CONTAINERD_SNAPSHOTTER": "native",
        "DOCKER_HOST": docker.host,
    }
    platforms = ("--platform", "linux/amd64,linux/arm64")
    words = ("-t", name, *platforms, "-o", "type=docker,dest=two.tar", "--load=containerd", "--push")
    done = scratchpack("-q", program, arm, *words, cwd=tmp_path, env=env)
    assert (done.status, done.err) == (0, "")
    raw = json.loads(skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{name}").out)
    assert [entry["platform"]["architecture"] for entry in raw["manifests"]] == ["amd64", "arm64"]
    docker.load(tmp_path / "two.tar")
    assert docker.run_image(name).out == containerd.run_image(name).out == "hello from C\n"
    for subject in ("two.tar", name, f"containerd:{name}"):
        checked = scratchpack("verify", "--json", subject, cwd=tmp_path, env=env)
        assert checked.status == 0, checked.out + checked.err
        assert len(json.loads(checked.out)["verdicts"]) >= 2, subject


@pytest.mark.parametrize("engine", ["docker", "podman", "containerd"])
def test_what_was_loaded_is_verified_in_the_engine(
    engine: str, request: pytest.FixtureRequest, program: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    """The engine's own export is read, and one that it does not have ends with 8."""
    running = request.getfixturevalue(engine)
    reach: dict[str, Callable[[], dict[str, str]]] = {
        "docker": lambda: {"DOCKER_HOST": running.host},
        "podman": lambda: _command(running, "podman", tmp_path / "bin"),
        "containerd": lambda: {"CONTAINERD_ADDRESS": running.address, "CONTAINERD_SNAPSHOTTER": "native"},
    }
    env = {**env, **reach[engine]()}
    name = f"example.org/verified/{engine}:v1"
    loaded = scratchpack("-q", program, "-t", name, f"--load={engine}", cwd=tmp_path, env=env)
    assert (loaded.status, loaded.out) == (0, f"{name}\n"), loaded.err
    checked = scratchpack("verify", f"{engine}:{name}", cwd=tmp_path, env=env)
    assert checked.status == 0, checked.out + checked.err
    gone = scratchpack("verify", f"{engine}:example.org/not/there:v1", cwd=tmp_path, env=env)
    assert gone.status == 8
    assert f"cannot get example.org/not/there:v1 from {engine}" in gone.err
    assert "Traceback" not in gone.err


@pytest.mark.parametrize("engine", ["docker", "podman", "containerd"])
def test_an_engine_that_is_not_there_ends_with_8(
    engine: str, program: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    env = {**env, "PATH": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none"}
    for words in ((program, f"--load={engine}"), ("verify", f"{engine}:example.org/x:v1")):
        done = scratchpack(*words, cwd=tmp_path, env=env)
        assert done.status == 8, done.err
        assert "scratchpack: cannot " in done.err
        assert "hint: " in done.err
