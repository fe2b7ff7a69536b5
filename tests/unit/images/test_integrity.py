"""A finished output is recomputed, and everything wrong with it is said, not the first thing (I1 to I19, S14, S22, S25)."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from scratchpack.errors import InputError
from scratchpack.images.house import house_rules
from scratchpack.images.integrity import survey
from scratchpack.oci.budget import UnpackBudget
from scratchpack.oci.index import make_release
from scratchpack.oci.source import read_images
from scratchpack.oci.store import open_store
from scratchpack.oci.unpack import pieces
from scratchpack.rootfs import Directory, File, Rootfs, Symlink, inline
from scratchpack.sinks.archive import Archive
from scratchpack.sinks.layout import OciLayout
from tests.support.images import ARM64, docker_archive, hello, image, noise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FULL = Rootfs(
    [
        File("/usr/bin/app", inline(noise(400_000)), mode=0o755),
        File("/usr/lib/a", inline(b"x"), inode=(1, 1)),
        File("/usr/lib/b", inline(b"x"), inode=(1, 1)),
        File("/opt/\udcff" + "n" * 200, inline(b"y")),
        Symlink("/lib", "usr/lib"),
        Directory("/tmp", 0o1777),
    ]
)


def issues(path: Path) -> list[str]:
    """By the image's own claims, and by all of our rules."""
    with open_store(str(path)) as store:
        found = survey(store, UnpackBudget(str(path)))
        return [str(issue) for issue in (*found.issues, *house_rules(store, found, everywhere=True))]


def broken(path: Path) -> list[str]:
    """By its own claims alone, as an image of another tool is judged (I23)."""
    with open_store(str(path)) as store:
        return [str(issue) for issue in survey(store, UnpackBudget(str(path))).issues]


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_what_we_write_has_no_issue(tmp_path: Path, compression: str) -> None:
    docker_archive(tmp_path / "a.tar", FULL, ("a", "b:1"), compression)
    assert issues(tmp_path / "a.tar") == []


def test_indexes_archives_and_layouts_have_no_issue(tmp_path: Path) -> None:
    for writer in (
        Archive(str(tmp_path / "d")),
        Archive(str(tmp_path / "o"), kind="oci"),
        OciLayout(str(tmp_path / "l")),
    ):
        with writer:
            writer.write(make_release([image(writer, FULL), image(writer, hello(), ARM64)], ["x"]))
    assert [issues(tmp_path / name) for name in "dol"] == [[], [], []]


class Parts:
    """An archive in pieces, to be damaged and put together again with digests that fit."""

    def __init__(self, path: Path) -> None:
        docker_archive(path, FULL)
        self.directories: tuple[str, ...] = ("blobs", "blobs/sha256")
        with tarfile.open(path) as tar:
            self.files = {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isfile()}  # type: ignore[union-attr]
        index = json.loads(self.files.pop("index.json"))
        self.descriptor: dict[str, Any] = index["manifests"][0]
        self.manifest = self._take(self.descriptor["digest"])
        self.config = self._take(self.manifest["config"]["digest"])
        self.layer = gzip.decompress(self.files.pop(self._path(self.manifest["layers"][0]["digest"])))
        self.docker: list[Any] = json.loads(self.files.pop("manifest.json"))

    @staticmethod
    def _path(digest: str) -> str:
        return "blobs/" + digest.replace(":", "/")

    def _take(self, digest: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.files.pop(self._path(digest)))
        return document

    def _put(self, data: bytes, descriptor: dict[str, Any]) -> None:
        descriptor["digest"] = "sha256:" + hashlib.sha256(data).hexdigest()
        descriptor["size"] = len(data)
        self.files[self._path(descriptor["digest"])] = data

    def relayer(self, *entries: tuple[str, dict[str, Any]]) -> None:
        """Another layer, its diff_id right."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for name, fields in entries:
                info = tarfile.TarInfo(name)
                for field, value in fields.items():
                    setattr(info, field, value)
                tar.addfile(info)
        self.layer = out.getvalue()
        self.config["rootfs"]["diff_ids"] = ["sha256:" + hashlib.sha256(self.layer).hexdigest()]

    def write(self, path: Path) -> Path:
        layers = self.manifest["layers"]
        if layers:
            data = gzip.compress(self.layer, 1, mtime=0)
            self._put(data, layers[0])
            self.docker[0]["Layers"] = [self._path(layers[0]["digest"])] * len(layers)
            layers[1:] = [layers[0]] * (len(layers) - 1)
        self._put(json.dumps(self.config).encode(), self.manifest["config"])
        self.docker[0]["Config"] = self._path(self.manifest["config"]["digest"])
        self._put(json.dumps(self.manifest).encode(), self.descriptor)
        self.files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [self.descriptor]}).encode()
        self.files["manifest.json"] = json.dumps(self.docker).encode()
        with tarfile.open(path, "w") as tar:
            for name in self.directories:
                info = tarfile.TarInfo(name)
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            for name, content in self.files.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        return path


def set_in(*keys: Any) -> Callable[[Parts], None]:
    *way, last, value = keys

    def change(parts: Parts) -> None:
        at: Any = parts
        for key in way:
            at = getattr(at, key) if isinstance(at, Parts) else at[key]
        if value is None:
            at.pop(last)
        else:
            at[last] = value

    return change


def layer(*entries: tuple[str, dict[str, Any]]) -> Callable[[Parts], None]:
    return lambda parts: parts.relayer(*entries)


DIR, LINK, HARD = {"type": tarfile.DIRTYPE, "mode": 0o755}, {"type": tarfile.SYMTYPE, "linkname": "x"}, {"type": tarfile.LNKTYPE, "linkname": "later"}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "said", "change"),
    [
        ("I1", "RepoTags is not a list", set_in("docker", 0, "RepoTags", 7)),
        ("I2", "'Hello:1' is not a lower-case name", set_in("docker", 0, "RepoTags", ["Hello:1"])),
        ("I2", "'hello' is not", set_in("docker", 0, "RepoTags", ["hello"])),
        ("I3", "only one of", set_in("descriptor", "annotations", {"org.opencontainers.image.ref.name": "x"})),
        ("I6", "os is missing", set_in("config", "os", None)),
        ("I6", "an arm image without a variant", set_in("config", "architecture", "arm")),
        ("I6", "its index says 'amd64'", set_in("config", "architecture", "arm64")),
        ("I6", "not of type layers", set_in("config", "rootfs", "type", "x")),
        ("I7", "created is ''", set_in("config", "created", "")),
        ("I7", "created is '2024-02-30T00:00:00Z'", set_in("config", "created", "2024-02-30T00:00:00Z")),
        ("I8", "2 entries of history", set_in("config", "history", [{"created_by": "a"}, {"created_by": "b"}])),
        ("I9", "is not that of", set_in("config", "rootfs", "diff_ids", ["sha256:" + "0" * 64])),
        ("I1", "0 diff_ids, and 1 layers", set_in("config", "rootfs", "diff_ids", [])),
        ("I14", "vnd.docker", set_in("manifest", "config", "mediaType", "application/vnd.docker.container.image.v1+json")),
        ("I14", "and its media type is", set_in("manifest", "layers", 0, "mediaType", "application/vnd.oci.image.layer.v1.tar")),
        ("I14", "schemaVersion is not 2", set_in("manifest", "schemaVersion", 1)),
        ("I23", "starts nothing", set_in("config", "config", "Entrypoint", None)),
        ("I10", "twice in one layer", layer(("a", {}), ("a", {}))),
        ("I10", "an absolute name", layer(("/a", {}))),
        ("I10", "one with ..", layer(("a/../../b", {}))),
        ("I10", "parent directory does not come before", layer(("a/b", {}))),
        ("I11", "root directory is 0700", layer(("./", {**DIR, "mode": 0o700}))),
        ("I16", "whiteout's name", layer((".wh.x", DIR))),
        ("I17", "tmp is 0755, not 1777", layer(("tmp", DIR))),
        ("I19", "its parent is a symlink", layer(("lib", LINK), ("lib/b", {}))),
        ("S14", "hard-link target", layer(("a", HARD), ("later", {}))),
        ("S6", "a device or a FIFO", layer(("null", {"type": tarfile.CHRTYPE}))),
        ("I9", "not a readable tar", lambda parts: setattr(parts, "layer", b"x" * 2048)),
        ("I10", "follows the end of the tar", lambda parts: setattr(parts, "layer", parts.layer + b"hidden")),
    ],
)  # fmt: skip
def test_each_rule_that_is_broken_is_named(
    tmp_path: Path, rule: str, said: str, change: Callable[[Parts], None]
) -> None:
    parts = Parts(tmp_path / "good.tar")
    change(parts)
    found = issues(parts.write(tmp_path / "bad.tar"))
    assert any(said in issue and issue.endswith(f"({rule})") for issue in found), found


def test_the_pieces_put_together_unchanged_have_no_issue(tmp_path: Path) -> None:
    """The test above stands on this."""
    assert issues(Parts(tmp_path / "good.tar").write(tmp_path / "again.tar")) == []


def test_an_archive_without_entries_for_its_directories_breaks_a_house_rule_alone(tmp_path: Path) -> None:
    """I20."""
    parts = Parts(tmp_path / "good.tar")
    parts.directories = ("blobs",)
    path = parts.write(tmp_path / "bad.tar")
    (issue,) = issues(path)
    assert "no entry for the directory blobs/sha256/ (I20)" in issue
    assert broken(path) == []


def test_too_many_layers_are_said(tmp_path: Path) -> None:
    """I12."""
    parts = Parts(tmp_path / "good.tar")
    parts.manifest["layers"] *= 126
    parts.config["rootfs"]["diff_ids"] *= 126
    parts.config.pop("history")
    assert any("126 layers" in issue for issue in issues(parts.write(tmp_path / "bad.tar")))


def test_all_issues_are_reported(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "good.tar")
    parts.config.update(os="", created="", history=[{}, {}])
    parts.docker[0]["RepoTags"] = ["A:b"]
    assert {issue[-4:] for issue in issues(parts.write(tmp_path / "bad.tar"))} >= {"(I6)", "(I7)", "(I8)", "(I2)"}


@pytest.mark.parametrize("where", range(0, 100, 4))
def test_a_flipped_bit_anywhere_in_the_blobs_is_found(tmp_path: Path, where: int) -> None:
    """I9: podman and skopeo accept a wrong diff_id silently."""
    with OciLayout(str(tmp_path / "l")) as writer:
        writer.write(make_release([image(writer, FULL)], ["x"]))
    blob = sorted((tmp_path / "l/blobs/sha256").iterdir())[where % 3]
    data = bytearray(blob.read_bytes())
    data[len(data) * where // 100] ^= 1 << (where % 8)
    blob.write_bytes(data)
    assert any("another digest" in issue for issue in issues(tmp_path / "l"))


def test_an_archive_that_is_compressed_as_a_whole_is_read_and_said(tmp_path: Path) -> None:
    """I13."""
    docker_archive(tmp_path / "a.tar")
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress((tmp_path / "a.tar").read_bytes()))
    (issue,) = issues(tmp_path / "a.tar.gz")
    assert "compressed with gzip" in issue
    with open_store(str(tmp_path / "a.tar.gz")) as store:
        assert read_images(store)[0].references == ("docker.io/library/hello:latest",)


@pytest.mark.parametrize("digest", ["sha256:../../../../etc/passwd", "md5:00", "sha256:" + "A" * 64, 7, None])
def test_a_digest_is_checked_before_it_becomes_a_path(tmp_path: Path, digest: Any) -> None:
    """S22."""
    parts = Parts(tmp_path / "good.tar")
    path = parts.write(tmp_path / "bad.tar")
    parts.descriptor["digest"] = digest
    parts.files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [parts.descriptor]}).encode()
    with tarfile.open(path, "w") as tar:
        for name, content in parts.files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    assert any("digest" in issue for issue in broken(path))
    with open_store(str(path)) as store, pytest.raises(InputError):
        read_images(store)


def test_a_link_in_a_layout_leads_nowhere(tmp_path: Path) -> None:
    """S22: a layout from elsewhere may not read this machine's files."""
    (tmp_path / "secret").write_text('{"manifests": []}')
    (tmp_path / "l").mkdir()
    (tmp_path / "l/index.json").symlink_to(tmp_path / "secret")
    with open_store(str(tmp_path / "l")) as store:
        assert store.size("index.json") is None
        for name in ("../secret", "/etc/passwd", "index.json"):
            with pytest.raises(InputError, match="no such file"):
                store.open(name)


@pytest.mark.parametrize(
    "what", ["nothing", "text", "fifo", "empty tar", "empty directory", "truncated gzip", "zip bomb header"]
)
def test_what_is_no_image_is_refused(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x"
    match what:
        case "text":
            path.write_text("hello" * 1000)
        case "fifo":
            os.mkfifo(path)
        case "empty tar":
            path.write_bytes(bytes(10240))
        case "empty directory":
            path.mkdir()
        case "truncated gzip":
            path.write_bytes(gzip.compress(noise(10_000))[:3000])
        case "zip bomb header":
            info = tarfile.TarInfo("x")
            info.type, info.size = tarfile.XHDTYPE, 5 << 30
            path.write_bytes(info.tobuf() + bytes(1024))
    with pytest.raises(InputError), open_store(str(path)) as store:
        survey(store, UnpackBudget("x"))
    with pytest.raises(InputError), open_store(str(path)) as store:
        read_images(store)


def test_images_are_read_with_their_names_platforms_and_layers(tmp_path: Path) -> None:
    with Archive(str(tmp_path / "a.tar")) as archive:
        images = [image(archive, FULL), image(archive, hello(), ARM64)]
        archive.write(make_release(images, ["x:1", "x:2"]))
    with open_store(str(tmp_path / "a.tar")) as store:
        found = read_images(store)
        assert [entry.platform for entry in found] == [made.platform for made in images]
        assert found[0].references == ("docker.io/library/x:1", "docker.io/library/x:2")
        assert [entry.digest for entry in found] == [made.manifest_blob.digest for made in images]
        assert found[0].diff_ids == (images[0].layers[0].diff_id,)
        with found[0].layers[0].open() as stream:
            assert hashlib.sha256(stream.read()).hexdigest() == images[0].layers[0].blob.digest[7:]


def test_an_old_docker_save_is_read_too(tmp_path: Path) -> None:
    """Docker before 25 writes ID/layer.tar, and links equal layers to each other."""
    parts = Parts(tmp_path / "good.tar")
    config = {**parts.config, "rootfs": {"type": "layers", "diff_ids": parts.config["rootfs"]["diff_ids"] * 2}}
    config.pop("history")
    data = json.dumps(config).encode()
    name = hashlib.sha256(data).hexdigest() + ".json"
    entry = {"Config": name, "RepoTags": ["old:1"], "Layers": ["a/layer.tar", "b/layer.tar"]}
    with tarfile.open(tmp_path / "old.tar", "w") as tar:
        for file, content in (
            (name, data),
            ("a/layer.tar", parts.layer),
            ("manifest.json", json.dumps([entry]).encode()),
        ):
            info = tarfile.TarInfo(file)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("b/layer.tar")
        link.type, link.linkname = tarfile.SYMTYPE, "../a/layer.tar"
        tar.addfile(link)
    with open_store(str(tmp_path / "old.tar")) as store:
        (found,) = read_images(store)
        assert found.references == ("old:1",)
        assert [layer.open().read() for layer in found.layers] == [parts.layer] * 2
    assert issues(tmp_path / "old.tar") == []


@pytest.mark.parametrize("cut", [1, 3, 40])
def test_a_zstd_layer_that_is_cut_short_is_said_so(cut: int) -> None:
    """Its reader takes the end of the file for the end of the frames, wherever that is."""
    whole = zstandard.ZstdCompressor(write_checksum=True).compress(noise(300_000))
    assert b"".join(pieces(io.BytesIO(whole * 2), what="x")) == noise(300_000) * 2
    with pytest.raises(InputError, match="cut short"):
        list(pieces(io.BytesIO((whole * 2)[:-cut]), what="x"))
