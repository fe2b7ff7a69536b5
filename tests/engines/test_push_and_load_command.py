"""``--push`` and ``--load`` on the command line: stdout says where the image is, refusals end with 8."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Docker, Engine, Registry


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.cc(tmp_path_factory.mktemp("program") / "hello", build.HELLO_C, "-static")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"DOCKER_CONFIG": str(tmp_path / "none"), "REGISTRY_AUTH_FILE": "", "XDG_RUNTIME_DIR": ""}


def test_push_prints_what_can_be_pulled(
    registry: Registry, skopeo: Engine, program: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    tags = ("-t", f"{registry.host}/cli/app:v1", "-t", f"{registry.host}/cli/app:v2")
    done = scratchpack(program, *tags, "--push", cwd=tmp_path, env=env)
    assert done.status == 0, done.err
    assert re.fullmatch(rf"{registry.host}/cli/app@sha256:[0-9a-f]{{64}}\n", done.out)
    skopeo("inspect", "--tls-verify=false", f"docker://{done.out.strip()}")
    assert not list(tmp_path.iterdir()), "a push leaves no archive"


def test_an_archive_and_a_push_have_one_digest(
    registry: Registry, skopeo: Engine, program: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    words = ("-t", f"{registry.host}/cli/both:v1", "--push", "-o", "type=docker,dest=both.tar")
    done = scratchpack(program, *words, cwd=tmp_path, env=env)
    assert done.status == 0, done.err
    archive, pushed = done.out.split()
    assert archive == "both.tar"
    raw = skopeo("inspect", "--raw", f"oci-archive:{tmp_path}/both.tar").out
    assert raw == skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{pushed}").out


def test_a_wrong_login_ends_with_8(
    registry_with_password: Registry, program: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    words = ("-t", f"{registry_with_password.host}/cli/app:v1", "--push")
    done = scratchpack(program, *words, cwd=tmp_path, env=env)
    assert done.status == 8
    assert "401, not logged in" in done.err
    assert f"docker login {registry_with_password.host}" in done.err
    assert "Traceback" not in done.err
    assert not done.out


def test_load_into_docker_runs(docker: Docker, program: Path, tmp_path: Path, env: dict[str, str]) -> None:
    words = ("-t", "cli-loaded:v1", "--load=docker")
    done = scratchpack(program, *words, cwd=tmp_path, env={**env, "DOCKER_HOST": docker.host})
    assert done.status == 0, done.err
    assert done.out == "docker.io/library/cli-loaded:v1\n"
    assert docker.run_image("cli-loaded:v1").out == "hello from C\n"
    assert not list(tmp_path.iterdir())


def test_load_without_an_engine_ends_with_8(program: Path, tmp_path: Path, env: dict[str, str]) -> None:
    words = ("-t", "cli-loaded:v1", "--load=docker")
    done = scratchpack(program, *words, cwd=tmp_path, env={**env, "DOCKER_HOST": f"unix://{tmp_path}/none"})
    assert done.status == 8
    assert "docker does not answer" in done.err
