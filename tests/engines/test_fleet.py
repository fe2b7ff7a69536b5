"""Many images in one archive, one load and one push: every engine gets each under its own name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from scratchpack.oci.image import make_image
from scratchpack.oci.index import fleet, make_release
from scratchpack.oci.layer import build_layer
from scratchpack.oci.model import ImageConfig
from scratchpack.oci.spool import TemporarySpool
from scratchpack.rootfs import File, Rootfs, Source
from scratchpack.sinks.archive import Archive
from scratchpack.sinks.engine import EngineSink
from scratchpack.sinks.registry import RegistrySink
from tests.support import build
from tests.support.images import AMD64

if TYPE_CHECKING:
    from pathlib import Path

    from scratchpack.oci.model import Image, Release
    from scratchpack.oci.spool import Spool
    from tests.support.engines import Containerd, Docker, Engine, Podman, Registry

NAMES = ("example.org/fleet/red:1", "example.org/fleet/blue:1")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("fleet")
    source = '#include <stdio.h>\nint main(void) { puts("%s"); return 0; }\n'
    return {name: build.cc(home / name, source % name, "-static") for name in ("red", "blue")}


def member(program: Path, spool: Spool) -> Image:
    source = Source(program.stat().st_size, lambda: program.open("rb"), (str(program),))
    layer = build_layer(Rootfs([File(f"/{program.name}", source, mode=0o755)]), spool=spool)
    return make_image(ImageConfig(AMD64, entrypoint=(f"/{program.name}",)), [layer])


def both(programs: dict[str, Path], spool: Spool, names: tuple[str, ...] = NAMES) -> Release:
    return fleet(
        [make_release([member(program, spool)], [name]) for program, name in zip(programs.values(), names, strict=True)]
    )


@pytest.fixture(scope="module")
def archive(programs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "fleet.tar"
    with Archive(str(path)) as writer:
        writer.write(both(programs, writer))
    return path


@pytest.mark.parametrize("kind", ["docker", "podman", "containerd"])
def test_every_engine_loads_each_image_of_an_archive(kind: str, archive: Path, request: pytest.FixtureRequest) -> None:
    engine: Docker | Podman | Containerd = request.getfixturevalue(kind)
    engine.load(archive)
    assert [engine.run_image(name).out for name in NAMES] == ["red\n", "blue\n"]


def test_skopeo_finds_each_image_by_its_name(skopeo: Engine, archive: Path) -> None:
    for name, program in zip(NAMES, ("red", "blue"), strict=True):
        config = json.loads(skopeo("inspect", "--config", f"docker-archive:{archive}:{name}").out)
        assert config["config"]["Entrypoint"] == [f"/{program}"]


def test_a_fleet_is_loaded(docker: Docker, programs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    names = ("example.org/loaded/red:1", "example.org/loaded/blue:1")
    with TemporarySpool() as spool:
        receipts = EngineSink("docker").write(both(programs, spool, names))
    assert [receipt.dest for receipt in receipts] == list(names)
    assert [docker.run_image(name).out for name in names] == ["red\n", "blue\n"]


def test_a_fleet_is_pushed(skopeo: Engine, registry: Registry, programs: dict[str, Path]) -> None:
    names = (f"{registry.host}/fleet/red:1", f"{registry.host}/fleet/blue:1")
    with TemporarySpool() as spool:
        receipts = RegistrySink().write(both(programs, spool, names))
    for name, receipt in zip(names, receipts, strict=True):
        found = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{name}").out)
        assert receipt.dest == f"{name.removesuffix(':1')}@{found['Digest']}"
