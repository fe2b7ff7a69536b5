"""The line "how to run it" that a run prints is typed into a shell, word for word: it starts what was packed, whatever the output."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support import build, tools
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Containerd, Docker, Engine, Podman, Registry

HELLO = "hello from C\n"
_STARTS = {  # what a container of the tests' engines needs beyond what a person types
    "docker": "--network none",
    "podman": "--network none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024",
    "ctr": "--snapshotter native --runc-binary {runc}",
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.cc(tmp_path_factory.mktemp("program") / "Hello", build.HELLO_C, "-static", "-s")


class Shell:
    """A shell whose ``docker``, ``podman`` and ``ctr`` are the tests' own engines."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.env = {**os.environ, "PATH": f"{place}/bin:{os.environ['PATH']}"}
        (place / "bin").mkdir()

    def knows(self, name: str, engine: Engine) -> None:
        """Let ``name`` be that engine."""
        extra = _STARTS[name].format(runc=tools.need("runc", package="runc"))
        start = shlex.join(engine.command)
        env = " ".join(f"{key}={shlex.quote(engine.env[key])}" for key in ("HOME", "XDG_RUNTIME_DIR", "TMPDIR"))
        script = f'#!/bin/sh\n[ "$1" = run ] && {{ shift; exec env {env} {start} run {extra} "$@"; }}\nexec env {env} {start} "$@"\n'
        (self.place / "bin" / name).write_text(script)
        (self.place / "bin" / name).chmod(0o755)

    def packs(self, program: Path, *words: str) -> str:
        """Pack; the command line that was printed."""
        done = scratchpack(program, *words, cwd=self.place, env={"PATH": self.env["PATH"], "DOCKER_HOST": ""})
        assert done.status == 0, done.err
        lines = done.err.splitlines()
        place = next(number for number, line in enumerate(lines) if line.startswith("image "))
        (line,) = lines[place + 1 :]
        return line.strip()

    def types(self, line: str) -> str:
        """Run a line as a shell does; its output's last line."""
        done = subprocess.run(
            ["sh", "-c", line], cwd=self.place, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout.splitlines(keepends=True)[-1] if done.stdout else ""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.mark.parametrize("name", [(), ("-t", "printed-docker:2")])
def test_the_line_of_a_docker_archive(docker: Docker, shell: Shell, program: Path, name: tuple[str, ...]) -> None:
    shell.knows("docker", docker)
    line = shell.packs(program, *name, "-o", "type=docker,dest=with space.tar")
    assert line.startswith("docker load -i 'with space.tar' && docker run --rm ")
    assert shell.types(line) == HELLO


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("type=oci,dest=app.tar", ()),
        ("type=oci,dest=app.tar", ("-t", "printed-podman:2")),
        ("type=oci,dest=layout,tar=false", ("-t", "example.org/team/printed:v1")),
    ],
)
def test_the_line_of_an_oci_output(
    podman: Podman, shell: Shell, program: Path, output: str, name: tuple[str, ...]
) -> None:
    shell.knows("podman", podman)
    assert shell.types(shell.packs(program, *name, "-o", output)) == HELLO


def test_the_line_of_a_build_context(docker: Docker, shell: Shell, program: Path) -> None:
    shell.knows("docker", docker)
    line = shell.packs(program, "-o", "type=dockerfile,dest=context")
    shell.types(line)
    assert shell.types(f"docker run --rm {line.split()[line.split().index('-t') + 1]}") == HELLO


def test_the_line_of_what_was_pushed(docker: Docker, registry: Registry, shell: Shell, program: Path) -> None:
    shell.knows("docker", docker)
    assert shell.types(shell.packs(program, "-t", f"{registry.host}/printed:1", "--push")) == HELLO


def test_the_line_of_what_docker_loaded(docker: Docker, shell: Shell, program: Path) -> None:
    shell.knows("docker", docker)
    assert shell.types(_loaded(shell, program, "docker", {"DOCKER_HOST": docker.host})) == HELLO


def test_the_line_of_what_podman_loaded(podman: Podman, shell: Shell, program: Path) -> None:
    shell.knows("podman", podman)
    assert shell.types(_loaded(shell, program, "podman", {})) == HELLO


def test_the_line_of_what_containerd_loaded(containerd: Containerd, shell: Shell, program: Path) -> None:
    shell.knows("ctr", containerd)
    line = _loaded(shell, program, "containerd", {})
    shell.types(line.replace(" run --rm ", f" run --rm --log-uri file://{shell.place}/log "))
    assert (shell.place / "log").read_text() == HELLO


def test_run_takes_what_load_prints(docker: Docker, shell: Shell, program: Path) -> None:
    """Quiet, ``--load`` prints one bare reference an image, however many names it has, and writes no archive."""
    shell.knows("docker", docker)
    env = {"PATH": shell.env["PATH"], "DOCKER_HOST": docker.host}
    words = ("-q", "-t", "printed-twice:1", "-t", "printed-twice:2", "--load=docker", "--metadata-file", "meta.json")
    done = scratchpack(program, *words, cwd=shell.place, env=env)
    assert (done.status, done.out, done.err) == (0, "docker.io/library/printed-twice:1\n", "")
    assert not list(shell.place.glob("*.tar"))
    assert shell.types(f"docker run --rm {done.out.strip()}") == HELLO


def _loaded(shell: Shell, program: Path, engine: str, env: dict[str, str]) -> str:
    done = scratchpack(program, f"--load={engine}", cwd=shell.place, env={"PATH": shell.env["PATH"], **env})
    assert (done.status, done.out) == (0, "localhost/hello:latest\n"), done.err
    lines = [line.strip() for line in done.err.splitlines()]
    assert f"loaded into {engine}" in lines
    return lines[-1]
