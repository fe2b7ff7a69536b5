"""Every sample app does what its sample.toml says: built from source, packed, looked into, and run by a real engine."""

from __future__ import annotations

import fnmatch
import platform
from typing import TYPE_CHECKING

import pytest

from sample_apps.samples import Sample, samples
from tests.support import archives, tools
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Docker, Podman

# zig builds a C library for each of these first, which takes a minute on a fresh machine; hello_go-arm64 is another machine's, too
LONG = frozenset({"hello_c-zig", "hello_c-aarch64"})
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@pytest.mark.xdist_group("docker")
@pytest.mark.parametrize(
    "sample",
    [pytest.param(one, marks=pytest.mark.campaign) if str(one) in LONG else one for one in samples()],
    ids=str,
)
def test_a_sample_app_packs_and_runs_as_it_says(sample: Sample, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    for program, package in sample.tools.items():
        if program != "zig":
            tools.need(program, package=package)
    build = tmp_path / "build"
    build.mkdir()
    words = sample.made(build)
    archive = tmp_path / "image.tar"
    name = f"sample-{sample}:latest"

    run = scratchpack(*words, "-t", name, "-o", f"type=docker,dest={archive}", cwd=tmp_path)

    assert run.status == sample.expect.status, run.err
    for fragment in sample.expect.stderr:
        assert fragment in run.err
    if sample.expect.status != 0:
        assert not archive.exists()
        assert run.out == ""
        return
    assert run.out == f"{archive}\n"
    image = archives.read(archive)
    assert image.platform == (sample.expect.platform or f"linux/{_ARCHITECTURES[platform.machine()]}")
    _all_and_nothing_else(image.files(), sample.expect.files)
    if sample.expect.stdout is not None:
        engine = _engine(request)
        engine.load(archive)
        ran = engine.run_image(name, *sample.expect.args, check=False)
        assert (ran.out, ran.status) == (sample.expect.stdout, sample.expect.exit), ran.err


def _all_and_nothing_else(files: list[str], patterns: tuple[str, ...]) -> None:
    strangers = [file for file in files if not any(fnmatch.fnmatch(file, pattern) for pattern in patterns)]
    assert strangers == []
    absent = [pattern for pattern in patterns if not fnmatch.filter(files, pattern)]
    assert absent == []


def _engine(request: pytest.FixtureRequest) -> Docker | Podman:
    """dockerd where there is one, else podman; a machine with neither says so."""
    name = "docker" if tools.find("dockerd") or not tools.find("podman") else "podman"
    engine: Docker | Podman = request.getfixturevalue(name)
    return engine
