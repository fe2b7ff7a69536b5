"""The archive that loads everywhere: names, digests and paths inside it (I1 to I5, I9, I13, I14)."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.errors import OutputError, UsageError
from scratchpack.oci.index import make_release
from scratchpack.oci.model import Release
from scratchpack.sinks.archive import Archive
from scratchpack.sinks.model import Receipt
from tests.support.images import ARM64, docker_archive, hello, image, noise

if TYPE_CHECKING:
    from pathlib import Path


def contents(path: Path) -> dict[str, bytes]:
    with tarfile.open(path, "r:") as archive:
        entries = archive.getmembers()
        assert len({entry.name for entry in entries}) == len(entries)
        assert [entry.name for entry in entries[:2]] == ["blobs", "blobs/sha256"]
        assert all(entry.isdir() and entry.mode == 0o755 for entry in entries[:2])
        assert all(entry.isreg() and entry.mode == 0o644 for entry in entries[2:])
        assert all(entry.uid == entry.gid == 0 for entry in entries)
        return {entry.name: archive.extractfile(entry).read() for entry in entries[2:]}  # type: ignore[union-attr]


def index_of(path: Path) -> list[dict[str, Any]]:
    manifests: list[dict[str, Any]] = json.loads(contents(path)["index.json"])["manifests"]
    return manifests


def test_it_is_a_layout_and_a_docker_archive_at_once(tmp_path: Path) -> None:
    """I1, I3; and I20: its directories stand before what is in them (``contents`` holds that for every archive here)."""
    release = docker_archive(tmp_path / "a.tar")
    inside = contents(tmp_path / "a.tar")
    assert json.loads(inside["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads(inside["manifest.json"])
    assert entry["RepoTags"] == ["docker.io/library/hello:latest"]
    for name in (entry["Config"], *entry["Layers"]):
        assert hashlib.sha256(inside[name]).hexdigest() == name.removeprefix("blobs/sha256/")
    (descriptor,) = json.loads(inside["index.json"])["manifests"]
    assert descriptor["digest"] == release.top.digest
    assert descriptor["annotations"] == {
        "io.containerd.image.name": "docker.io/library/hello:latest",
        "org.opencontainers.image.ref.name": "latest",
    }


def test_without_a_name_the_list_of_tags_is_empty_and_not_null(tmp_path: Path) -> None:
    """I1."""
    docker_archive(tmp_path / "a.tar", references=())
    assert json.loads(contents(tmp_path / "a.tar")["manifest.json"])[0]["RepoTags"] == []
    assert len(index_of(tmp_path / "a.tar")) == 1


def test_many_names_are_many_descriptors_of_one_digest(tmp_path: Path) -> None:
    """I4."""
    names = ("docker.io/library/hello:1", "hello", "registry.example.com:5000/team/hello:1", "hello:1")
    docker_archive(tmp_path / "a.tar", references=names)
    found = index_of(tmp_path / "a.tar")
    assert len(found) == 3
    assert len({descriptor["digest"] for descriptor in found}) == 1
    assert json.loads(contents(tmp_path / "a.tar")["manifest.json"])[0]["RepoTags"] == [
        names[0],
        "docker.io/library/hello:latest",
        names[2],
    ]


def test_several_platforms_are_one_nested_index(tmp_path: Path) -> None:
    """I5: a flat list breaks skopeo."""
    with Archive(str(tmp_path / "a.tar")) as archive:
        images = [image(archive, hello(b"amd")), image(archive, hello(b"arm"), ARM64)]
        archive.write(make_release(images, ["hello"], index_annotations={"a": "b"}))
    inside = contents(tmp_path / "a.tar")
    (descriptor,) = index_of(tmp_path / "a.tar")
    assert descriptor["mediaType"] == "application/vnd.oci.image.index.v1+json"
    nested = json.loads(inside["blobs/" + descriptor["digest"].replace(":", "/")])
    assert [entry["platform"]["architecture"] for entry in nested["manifests"]] == ["amd64", "arm64"]
    assert nested["annotations"] == {"a": "b"}
    assert json.loads(inside["manifest.json"])[0]["Config"].endswith(images[0].config_blob.digest[7:])


def test_two_images_of_one_platform_do_not_fit_under_one_index(tmp_path: Path) -> None:
    with Archive(str(tmp_path / "a.tar")) as archive:
        images = [image(archive), image(archive)]
        with pytest.raises(UsageError, match="linux/amd64"):
            make_release(images, ["hello"])
    assert list(tmp_path.iterdir()) == []


def test_images_that_share_a_layer_store_it_once(tmp_path: Path) -> None:
    with Archive(str(tmp_path / "a.tar")) as archive:
        images = [image(archive, hello(noise(100_000))), image(archive, hello(noise(100_000)), ARM64)]
        archive.write(make_release(images, ["hello"]))
        with images[1].layers[0].blob.open() as stream:
            assert hashlib.sha256(stream.read()).hexdigest() == images[0].layers[0].blob.digest[7:]
    documents, layers, configs, manifests, indexes = 3, 1, 2, 2, 1
    assert len(contents(tmp_path / "a.tar")) == documents + layers + configs + manifests + indexes


def test_no_media_type_is_dockers(tmp_path: Path) -> None:
    """I14."""
    docker_archive(tmp_path / "a.tar")
    assert not any(b"vnd.docker" in data for data in contents(tmp_path / "a.tar").values())


def test_uncompressed_it_is_at_most_16_kib_larger_than_the_program(tmp_path: Path) -> None:
    size = 1_550_001
    docker_archive(tmp_path / "a.tar", hello(noise(size)), compression="none")
    assert (tmp_path / "a.tar").stat().st_size <= size + 16 * 1024


def test_an_oci_archive_has_no_docker_manifest(tmp_path: Path) -> None:
    with Archive(str(tmp_path / "a.tar"), kind="oci") as archive:
        (receipt,) = archive.write(release := make_release([image(archive)], ["hello"]))
    assert receipt == Receipt("oci", str(tmp_path / "a.tar"), release.top.digest)
    assert "manifest.json" not in contents(tmp_path / "a.tar")


def test_a_second_output_takes_the_layer_of_the_first(tmp_path: Path) -> None:
    with Archive(str(tmp_path / "a.tar")) as first, Archive(str(tmp_path / "b.tar"), kind="oci") as second:
        release = make_release([image(first, hello(noise(300_000)))], ["hello"])
        first.write(release)
        second.write(release)
    ours, theirs = contents(tmp_path / "a.tar"), contents(tmp_path / "b.tar")
    assert {name: data for name, data in ours.items() if name != "manifest.json"} == theirs


def test_a_blob_that_is_not_what_was_hashed_is_never_published(tmp_path: Path) -> None:
    """I9: the bytes that are copied are hashed again."""
    with Archive(str(tmp_path / "a.tar")) as archive:
        release = make_release([image(archive)], ["hello"])
        good = release.images[0]
        wrong = good.config_blob._replace(open=lambda: io.BytesIO(b"{}"))
        bad = Release((release.only._replace(images=(good._replace(config_blob=wrong),)),))
        with pytest.raises(OutputError, match="not those that were hashed"):
            archive.write(bad)
    assert list(tmp_path.iterdir()) == []
