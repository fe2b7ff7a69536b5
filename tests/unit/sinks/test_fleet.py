"""Many images leave together, each under its own names (I1 to I5)."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.errors import InputError, UsageError
from scratchpack.oci.image import make_image
from scratchpack.oci.index import fleet, make_release
from scratchpack.oci.layer import MAX_LAYERS, build_layer
from scratchpack.oci.model import ImageConfig
from scratchpack.oci.source import read_images
from scratchpack.oci.spool import TemporarySpool
from scratchpack.oci.store import open_store
from scratchpack.rootfs import Rootfs
from scratchpack.sinks.archive import Archive
from scratchpack.sinks.engine import EngineSink
from scratchpack.sinks.layout import OciLayout
from scratchpack.sinks.model import Receipt
from scratchpack.sinks.registry import RegistrySink
from tests.support import releases
from tests.support.images import AMD64, ARM64, hello, image, noise

if TYPE_CHECKING:
    from pathlib import Path

    from scratchpack.oci.model import Image, Release
    from scratchpack.oci.spool import Spool


def two_layers(spool: Spool, name: str) -> Image:
    """A layer that every image of the fleet has, and one of its own."""
    rootfs = [hello(noise(100_000), "/shared"), hello(name.encode(), f"/{name}")]
    layers = [build_layer(one, spool=spool) for one in rootfs]
    return make_image(ImageConfig(AMD64, entrypoint=(f"/{name}",)), layers)


def three(spool: Spool) -> Release:
    """One image under a name, one under two, and one of two platforms."""
    return fleet(
        [
            make_release([two_layers(spool, "one")], ["one"]),
            make_release([two_layers(spool, "two")], ["example.org/two:1", "example.org/two:2"]),
            make_release([image(spool, hello(b"amd")), image(spool, hello(b"arm"), ARM64)], ["example.org/both:1"]),
        ]
    )


NAMES = {"docker.io/library/one:latest", "example.org/two:1", "example.org/two:2", "example.org/both:1"}


def names_of(manifests: list[dict[str, Any]]) -> dict[str, str]:
    return {entry["annotations"]["io.containerd.image.name"]: entry["digest"] for entry in manifests}


@pytest.mark.parametrize("kind", ["docker", "oci"])
def test_an_archive_holds_every_image_under_its_names_and_what_they_share_once(kind: str, tmp_path: Path) -> None:
    with Archive(str(tmp_path / "a.tar"), kind=kind) as archive:
        release = three(archive)
        (receipt,) = archive.write(release)
    assert receipt == Receipt(kind, str(tmp_path / "a.tar"), None)
    with tarfile.open(tmp_path / "a.tar") as found:
        members = found.getnames()
        index = json.load(found.extractfile("index.json"))  # type: ignore[arg-type]
        manifest = json.load(found.extractfile("manifest.json")) if kind == "docker" else []  # type: ignore[arg-type]
    assert len(members) == len(set(members))
    one, two, both = release.tagged
    assert names_of(index["manifests"]) == {
        "docker.io/library/one:latest": one.top.digest,
        "example.org/two:1": two.top.digest,
        "example.org/two:2": two.top.digest,
        "example.org/both:1": both.top.digest,
    }
    layers, configs, manifests, indexes, documents, directories = 1 + 2 + 2, 4, 4, 1, 2 + (kind == "docker"), 2
    assert len(members) == layers + configs + manifests + indexes + documents + directories
    if kind == "docker":
        assert [entry["RepoTags"] for entry in manifest] == [list(tagged.references) for tagged in release.tagged]
        assert [entry["Config"][-64:] for entry in manifest] == [
            tagged.images[0].config_blob.digest[-64:] for tagged in release.tagged
        ]
    with open_store(str(tmp_path / "a.tar")) as store:
        assert {name for stored in read_images(store) for name in stored.references} == NAMES


def test_a_layout_takes_a_fleet_and_another_run_moves_one_name(tmp_path: Path) -> None:
    with OciLayout(str(tmp_path / "l")) as layout:
        release = three(layout)
        layout.write(release)
    with OciLayout(str(tmp_path / "l")) as layout:
        moved = make_release([image(layout, hello(b"moved"))], ["example.org/two:2"])
        layout.write(moved)
    found = names_of(json.loads((tmp_path / "l/index.json").read_bytes())["manifests"])
    assert set(found) == NAMES
    assert found["example.org/two:1"] == release.tagged[1].top.digest
    assert found["example.org/two:2"] == moved.top.digest


def test_one_name_for_two_images_is_refused_and_both_are_named() -> None:
    with TemporarySpool() as spool, pytest.raises(UsageError) as caught:
        fleet([make_release([two_layers(spool, name)], ["same:1"]) for name in ("one", "two")])
    assert "docker.io/library/same:1: /one and /two" in caught.value.message


def test_one_image_of_several_releases_is_one_under_all_of_its_names() -> None:
    """I4."""
    with TemporarySpool() as spool:
        release = fleet([make_release([two_layers(spool, "one")], [name]) for name in ("a:1", "b:1", "a:1")])
    assert release.only.references == ("docker.io/library/a:1", "docker.io/library/b:1")


def test_a_fleet_has_no_single_digest_and_no_single_name() -> None:
    together = fleet(
        [
            releases.release(releases.image([releases.layer(a=name)]), names=[f"127.0.0.1:1/{name.decode()}:1"])
            for name in (b"a", b"b")
        ]
    )
    with pytest.raises(ValueError, match="too many values"):
        together.top  # noqa: B018 - asking is the test
    with pytest.raises(UsageError, match="several images to one name"):
        RegistrySink(["registry.example.com/x:1"]).write(together)
    nameless = fleet([*together.each(), releases.release(releases.image([releases.layer(c=b"c")]))])
    for sink in (RegistrySink(), EngineSink()):
        with pytest.raises(UsageError, match="without a name"):
            sink.write(nameless)


def test_125_layers_are_an_image_and_126_are_not() -> None:
    """I8: as many entries of the history as layers; I12."""
    with TemporarySpool() as spool:
        layers = [build_layer(Rootfs(), spool=spool)] * (MAX_LAYERS + 1)
        made = make_image(ImageConfig(AMD64), layers[:-1])
        assert len(json.loads(made.config_blob.open().read())["history"]) == 125
        with pytest.raises(InputError, match="126 layers: engines stop at 125"):
            make_image(ImageConfig(AMD64), layers)
