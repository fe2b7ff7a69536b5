"""A fleet made by a real Dask scheduler and workers that are processes of their own, one of which is killed in the middle (W41)."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.support import build, cluster
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cluster import Cluster
    from tests.support.engines import Engine, Registry

NAMES = tuple(f"tool{number}" for number in range(6))
SOURCE = '#include <stdio.h>\nint main(void) { puts("%s"); return 0; }\n'


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("cluster")
    for name in NAMES:
        build.cc(home / name, SOURCE % name)
    return home


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster.start(tmp_path_factory.mktemp("dask"), 2) as running:
        yield running


def test_a_worker_that_is_killed_loses_nothing_and_the_images_are_those_of_one_machine(
    programs: Path, workers: Cluster, registry: Registry, skopeo: Engine
) -> None:
    here = scratchpack("pack", "--each", *NAMES, "-t", "x/{name}:1", "-o", "type=oci,dest=f.oci,tar=false", "--metadata-file", "here.json", cwd=programs)  # fmt: skip
    assert here.status == 0, here.err
    pushed = registry.home / "data/docker/registry/v2/repositories/far"

    def kill_in_the_middle() -> None:
        until = time.monotonic() + 60
        while not pushed.exists() and time.monotonic() < until:
            time.sleep(0.01)
        workers.kill_one()

    killer = threading.Thread(target=kill_in_the_middle)
    killer.start()
    words = ("--each", *NAMES, "-t", registry.host + "/far/{name}:1", "--push", "--scheduler", workers.address)
    far = scratchpack("pack", *words, "--metadata-file", "far.json", cwd=programs)
    killer.join()
    assert far.status == 0, far.err
    made = {image["name"]: image["digest"] for image in json.loads((programs / "far.json").read_text())["images"]}
    assert made == {
        image["name"]: image["digest"] for image in json.loads((programs / "here.json").read_text())["images"]
    }
    assert list(made) == list(NAMES)
    for name, digest in made.items():
        found = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{registry.host}/far/{name}:1").out)
        assert found["Digest"] == digest
    assert far.out.splitlines() == [f"{registry.host}/far/{name}@{digest}" for name, digest in made.items()]


def test_one_image_that_fails_on_a_worker_is_named(programs: Path, workers: Cluster, registry: Registry) -> None:
    (programs / "text").write_text("no program\n")
    words = (
        "--each",
        "tool0",
        "text",
        "-t",
        registry.host + "/part/{name}:1",
        "--push",
        "--scheduler",
        workers.address,
    )
    done = scratchpack("pack", *words, cwd=programs)
    assert done.status == 3
    assert "scratchpack: text: cannot" in done.err
    assert done.out.startswith(f"{registry.host}/part/tool0@sha256:")


@pytest.mark.campaign  # a scheduler is waited for
def test_a_scheduler_that_is_not_there_is_named(programs: Path) -> None:
    words = ("--each", "tool0", "-t", "127.0.0.1:1/{name}:1", "--push", "--scheduler", "tcp://127.0.0.1:1")
    done = scratchpack("pack", *words, cwd=programs)
    assert done.status == 8
    assert "cannot reach the scheduler tcp://127.0.0.1:1" in done.err
