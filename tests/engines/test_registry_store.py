"""An image in a registry is read and recomputed as one at rest is (I9, S22)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scratchpack.errors import InputError, RemoteError
from scratchpack.images.house import house_rules
from scratchpack.images.integrity import survey
from scratchpack.oci.budget import UnpackBudget
from scratchpack.oci.registry.store import RemoteStore
from scratchpack.oci.source import read_images
from scratchpack.sinks import registry as sink
from tests.support import releases

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Docker, Registry


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def test_a_pushed_image_is_read_with_its_layers(registry: Registry) -> None:
    release = releases.small()
    sink.RegistrySink([f"{registry.host}/store/app:v1"]).write(release)
    with RemoteStore(f"{registry.host}/store/app:v1") as store:
        (image,) = read_images(store)
        assert image.digest == release.top.digest
        assert image.references == (f"{registry.host}/store/app:v1",)
        for read, pushed in zip(image.layers, release.images[0].layers, strict=True):
            for _ in range(2):
                with read.open() as stream:
                    assert stream.read() == pushed.blob.open().read()


def test_a_pushed_image_is_recomputed(registry: Registry) -> None:
    here = releases.image([releases.layer(hello=b"x86")])
    there = releases.image([releases.layer(hello=b"arm")], releases.ARM64)
    sink.RegistrySink([f"{registry.host}/store/both:v1"]).write(releases.release(here, there))
    with RemoteStore(f"{registry.host}/store/both:v1") as store:
        assert [image.platform for image in read_images(store)] == [releases.AMD64, releases.ARM64]
        found = survey(store, UnpackBudget(store.name))
        assert (found.issues, house_rules(store, found)) == ((), ())


def test_an_image_that_docker_pushed_is_read(registry: Registry, docker: Docker, tmp_path: Path) -> None:
    """Docker's own media types, not OCI's."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    name = f"{registry.host}/store/docker:v1"
    docker("build", "--network=none", "-t", name, tmp_path, env={"DOCKER_BUILDKIT": "0"})
    docker("push", name)
    with RemoteStore(name) as store:
        (image,) = read_images(store)
        assert image.platform.os == "linux"
        assert len(image.layers) == 1
        with image.layers[0].open() as stream:
            assert len(stream.read()) == image.layers[0].size


def test_what_a_layout_does_not_have_is_not_there(registry: Registry) -> None:
    sink.RegistrySink([f"{registry.host}/store/app:v1"]).write(releases.small())
    with RemoteStore(f"{registry.host}/store/app:v1") as store:
        for path in ("manifest.json", "../etc/passwd", "blobs/sha256/../../x", "blobs/sha256/" + "0" * 63, ""):
            assert store.size(path) is None
            with pytest.raises(InputError, match="no such file"):
                store.open(path)
        absent = "blobs/sha256/" + "0" * 64
        assert store.size(absent) is None
        with pytest.raises(RemoteError, match="404"):
            store.open(absent)


def test_a_name_that_is_not_there_is_said_so(registry: Registry) -> None:
    with RemoteStore(f"{registry.host}/store/none:v1") as store, pytest.raises(RemoteError, match="no such image"):
        read_images(store)
