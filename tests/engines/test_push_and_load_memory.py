"""Streaming (issue 5): a layer of any size is pushed and loaded in under 100 MB of memory, measured in a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.support.cli import HOME

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Docker, Registry

_SCRIPT = """
import json, sys
from pathlib import Path
from scratchpack.elf.machines import Platform
from scratchpack.oci.image import make_image
from scratchpack.oci.model import MEDIA_LAYER, Blob, ImageConfig, Layer
from scratchpack.oci.index import make_release
from scratchpack.sinks import engine, registry

kind, path, digest, size, name = sys.argv[1:]
blob = Blob(MEDIA_LAYER, digest, int(size), lambda: Path(path).open("rb"))
layer = Layer(blob, digest, int(size))
release = make_release([make_image(ImageConfig(Platform("linux", "amd64")), [layer])], [name])
receipts = (registry.RegistrySink() if kind == "push" else engine.EngineSink("docker")).write(release)
status = Path("/proc/self/status").read_text()  # ru_maxrss would count what the parent used before exec
used = int(status.partition("VmHWM:")[2].split()[0]) * 1024
print(json.dumps({"used": used, "dest": receipts[0].dest}))
"""
LIMIT = 100_000_000  # bytes


def measured(kind: str, tmp_path: Path, mib: int, name: str, **env: str) -> dict[str, object]:
    """Send one uncompressed layer with one file of so many MiB; what the process said."""
    import tarfile

    path = tmp_path / "layer.tar"
    (tmp_path / "big").touch()
    os.truncate(tmp_path / "big", mib << 20)
    with tarfile.open(path, "w") as archive:
        archive.add(tmp_path / "big", "big")
    with path.open("rb") as stream:
        digest = "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, kind, path, digest, str(path.stat().st_size), name],
        env={**os.environ, "PYTHONPATH": str(HOME), "DOCKER_CONFIG": str(tmp_path), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    path.unlink()
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def used(answer: dict[str, object]) -> int:
    size = answer["used"]
    assert isinstance(size, int)
    return size


def test_a_large_layer_is_pushed_in_little_memory(registry: Registry, tmp_path: Path) -> None:
    assert used(measured("push", tmp_path, 200, f"{registry.host}/large/app:v1")) < LIMIT


def test_a_large_layer_is_loaded_in_little_memory(docker: Docker, tmp_path: Path) -> None:
    assert used(measured("load", tmp_path, 200, "example.org/large:v1", DOCKER_HOST=docker.host)) < LIMIT
    docker("rmi", "example.org/large:v1")


@pytest.mark.campaign
@pytest.mark.parametrize("kind", ["push", "load"])
def test_a_layer_of_a_gibibyte_takes_no_more(registry: Registry, docker: Docker, tmp_path: Path, kind: str) -> None:
    name = f"{registry.host}/huge/app:v1"
    answer = measured(kind, tmp_path, 1024, name, DOCKER_HOST=docker.host)
    assert used(answer) < LIMIT
    if kind == "load":
        docker("rmi", name)


_COMMAND = """
import sys
from pathlib import Path
from scratchpack.cli import main

try:
    main(sys.argv[1:])
finally:
    status = Path("/proc/self/status").read_text()
    sys.stderr.write(status.partition("VmHWM:")[2].split()[0])
"""


def _command_uses(place: Path, mib: int, *words: str, **env: str) -> int:
    """Bytes of memory of the command line that packs a program of so many MiB, most of them zeros at its end."""
    program = build.cc(place / "big", build.HELLO_C, "-static", "-s")
    os.truncate(program, mib << 20)
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, "-q", str(program), *words],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(HOME), "DOCKER_CONFIG": str(place), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stderr) * 1024


@pytest.mark.parametrize("mib", [200, pytest.param(1024, marks=pytest.mark.campaign, id="1024")], ids=str)
def test_the_command_packs_pushes_and_loads_a_large_program_in_little_memory(
    registry: Registry, docker: Docker, tmp_path: Path, mib: int
) -> None:
    name = f"{registry.host}/large/command:{mib}"
    words = ("-t", name, "-o", "type=docker,dest=big.tar", "--load=docker", "--push")
    memory = _command_uses(tmp_path, mib, *words, DOCKER_HOST=docker.host)
    print(f"{mib} MiB: {memory / 1e6:.1f} MB of memory")  # noqa: T201 - pytest -s shows it in the campaign
    assert memory < LIMIT
    (tmp_path / "big.tar").unlink()
    docker("rmi", name)
