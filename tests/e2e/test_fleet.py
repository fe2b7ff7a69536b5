"""``pack --each`` and fleet files on real programs: shared layers, failures, parts (W8, W10 to W14, W40). The fleet of thirty is a campaign."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.oci.compress import compressor
from tests.support import build, tools
from tests.support.cli import HOME, Run, scratchpack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIVE = ("jq", "sqlite3", "openssl", "file", "find")
ALL_OF_USR = (
    *("jq", "curl", "git", "sqlite3", "openssl", "perl", "file", "wget", "gpgv", "tar", "grep", "sed", "gawk", "find", "bash"),
    *("less", "vim.tiny", "ssh", "rsync", "make", "gdb", "strace", "skopeo", "redis-server", "rpm", "dpkg", "dash", "sort", "as", "ld"),
)  # fmt: skip


class Fleet:
    """One run into a layout."""

    def __init__(self, home: Path, *words: str | Path) -> None:
        self.layout, self._metadata = home / "fleet.oci", home / "fleet.json"
        self.run = scratchpack(
            *("pack", "--each", "-o", f"type=oci,dest={self.layout},tar=false", "--metadata-file", self._metadata, *words),
            cwd=home, timeout=900,
        )  # fmt: skip

    @property
    def metadata(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._metadata.read_text())
        return found

    def layers(self) -> dict[str, list[str]]:
        """Digests of each image's layers, by its name."""
        return {
            image["name"]: [layer["digest"] for layer in image["platforms"][0]["layers"]]
            for image in self.metadata["images"]
        }

    def sizes(self) -> dict[str, int]:
        """Bytes of each layer that is stored."""
        return {
            layer["digest"]: layer["size"]
            for image in self.metadata["images"]
            for layer in image["platforms"][0]["layers"]
        }

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Each file of each layer, with its content."""
        for digest in self.sizes():
            with tarfile.open(self.layout / "blobs/sha256" / digest.removeprefix("sha256:"), "r:gz") as layer:
                for member in layer:
                    stream = layer.extractfile(member) if member.isfile() else None
                    if stream is not None:
                        yield f"/{member.name}", stream.read()


def paths(names: tuple[str, ...]) -> list[str]:
    return [tools.need(name, package=name) for name in names]


def compressed(data: bytes) -> int:
    size = 0

    def count(piece: bytes | memoryview) -> None:
        nonlocal size
        size += len(piece)

    press = compressor("gzip", None, count, 1)
    press.write(data)
    press.finish()
    press.close()
    return size


def holds_the_bound(fleet: Fleet) -> None:
    """Layer bytes together are at most 1.05 times the compressed sizes of the unique files."""
    unique = {data: compressed(data) for _, data in fleet.files() if data}
    assert sum(fleet.sizes().values()) <= 1.05 * sum(unique.values())


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    found = Fleet(tmp_path_factory.mktemp("fleet"), *paths(FIVE))
    assert found.run.status == 0, found.run.err
    return found


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """What another machine makes: another order, another subset, one process, one program that is new and needs the C library alone."""
    home = tmp_path_factory.mktemp("second")
    own = build.cc(home / "own", build.HELLO_C)
    return Fleet(home, "--jobs", "1", *paths(FIVE[3:0:-2]), own)


def test_files_are_stored_once(fleet: Fleet) -> None:  # W10
    holds_the_bound(fleet)
    large = [path for path, data in fleet.files() if len(data) >= 64 << 10 and ".so" in path]
    assert len(large) == len(set(large))


def test_another_machine_makes_the_same_images(fleet: Fleet, second: Fleet) -> None:  # W10, W40
    ours, theirs = fleet.layers(), second.layers()
    assert list(theirs) == ["file", "sqlite3", "own"]
    for name in ("file", "sqlite3"):
        assert ours[name] == theirs[name]


def test_a_program_without_a_new_library_adds_its_top_layer_alone(fleet: Fleet, second: Fleet) -> None:  # W11
    *shared, _top = second.layers()["own"]
    assert shared
    assert set(shared) <= set(fleet.sizes())


def test_the_report_says_what_each_costs_alone_and_together(fleet: Fleet) -> None:  # W8
    found, sizes = fleet.metadata, fleet.sizes()
    together, images = found["together"], found["images"]
    assert together["registry_bytes"] == sum(sizes.values())
    assert together["sum_bytes"] == sum(image["compressed_bytes"] for image in images)
    assert together["registry_bytes"] == sum(image["pull_bytes"] for image in images) < together["sum_bytes"]
    chains = {}
    for image in images:
        layers = image["platforms"][0]["layers"]
        for depth, layer in enumerate(layers, 1):
            chains[tuple(one["diff_id"] for one in layers[:depth])] = layer["uncompressed_size"]
    assert together["node_disk_bytes"] == sum(chains.values())
    assert "5 images together: " in fleet.run.err
    assert "unpacked on a node's disk" in fleet.run.err


def test_the_metadata_is_what_its_schema_says(fleet: Fleet) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((HOME / "docs/schema/fleet-metadata.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(fleet.metadata)


def test_an_image_of_a_fleet_is_right_by_itself(fleet: Fleet) -> None:
    done = scratchpack("verify", fleet.layout)
    assert done.status == 0, done.out + done.err


def test_one_image_that_fails_names_its_program_and_the_others_are_made(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program\n")
    lost = build.cc(tmp_path / "lost", build.HELLO_C, "-Wl,--no-as-needed", str(build.shared(tmp_path / "libgone.so")))
    (tmp_path / "libgone.so").unlink()
    hello = build.cc(tmp_path / "hello", build.HELLO_C)
    (tmp_path / "out.tar").write_text("what stood there")
    done = scratchpack(
        "pack", "--each", "hello", "lost", "text", "-o", "out.tar", "--metadata-file", "m.json", cwd=tmp_path
    )
    assert done.status == 4  # of the first that failed: its closure does not hold
    assert f"scratchpack: {lost.name}: cannot pack" in done.err
    assert "libgone.so: not found" in done.err
    assert "scratchpack: text: cannot" in done.err
    assert "cannot make 2 of 3 images" in done.err
    assert (tmp_path / "out.tar").read_text() == "what stood there"  # nothing looks whole that is not
    assert done.out == "out.tar.partial\n"
    with tarfile.open(tmp_path / "out.tar.partial") as archive:
        entries = json.load(archive.extractfile("manifest.json") or pytest.fail("no manifest"))
    assert [entry["RepoTags"][0].rpartition("/")[2] for entry in entries] == [f"{hello.name}:latest"]
    found = json.loads((tmp_path / "m.json").read_text())
    assert found["complete"] is False
    assert [one["name"] for one in found["failed"]] == ["lost", "text"]


def test_a_part_of_a_fleet_is_called_so(
    tmp_path: Path,
) -> None:  # W40: which part has which image, test_members.py says
    build.cc(tmp_path / "hello", build.HELLO_C, "-static")
    found = [scratchpack("pack", "--each", "hello", "--shard", part, "-q", cwd=tmp_path) for part in ("1/2", "2/2")]
    assert [done.status for done in found] == [0, 0]
    assert sorted(done.out for done in found) in (["", "fleet-1-of-2.tar\n"], ["", "fleet-2-of-2.tar\n"])


def test_the_fleet_file_of_the_documentation_makes_its_images(tmp_path: Path) -> None:
    paths(("jq", "sqlite3", "openssl", "file"))
    done = scratchpack("--config", HOME / "docs/examples/fleet.toml", cwd=tmp_path)
    assert done.status == 0, done.err
    index = json.loads((tmp_path / "tools.oci/index.json").read_text())
    names = [
        entry["annotations"]["io.containerd.image.name"].removeprefix("registry.example.com/tools/")
        for entry in index["manifests"]
    ]
    assert names == ["jq:1.0", "sqlite3:1.0", "inspection:1.0", "inspection:latest"]
    config = json.loads(
        _blob(
            tmp_path / "tools.oci",
            json.loads(_blob(tmp_path / "tools.oci", index["manifests"][1]["digest"]))["config"]["digest"],
        )
    )
    assert config["config"]["User"] == "1000"
    assert config["config"]["Labels"] == {"org.example.team": "platform"}


def _blob(layout: Path, digest: str) -> str:
    return (layout / "blobs/sha256" / digest.removeprefix("sha256:")).read_text()


def refused(home: Path, *words: str) -> Run:
    done = scratchpack("pack", *words, cwd=home)
    assert done.status == 2, done.err
    assert not list(home.glob("*.tar"))
    return done


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--each", "a/hello", "b/hello"), "hello:latest: a/hello and b/hello"),
        (("--each", "a/hello", "b/other", "-t", "x/{name}:1", "-t", "x/hello:1"), "put {name} into it: -t x/{name}:1"),
        (("--each", "a/hello", "-o", "type=local,dest=d"), "it has no place for several images"),
        (("--each", "a/hello", "--iidfile", "i"), "it is about one image"),
        (("--each", "a/hello", "--push"), "no name says where to"),
        (("--each", "a/hello", "--shard", "0/2"), "--shard 1/2"),
        (("--each", "a/hello", "-o", "type=docker,dest=a/hello"), "it would replace"),
        (("a/hello", "--shard", "1/2"), "it is for a fleet"),
        (("--each", "a/hello", "--scheduler", "127.0.0.1:1"), "without a registry alone"),
        (("--config", "fleet.toml", "a/hello"), "beside the images that fleet.toml lists"),
        (("--config", "push.toml"), "it is no setting of one image"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_is_read(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    for name in ("a/hello", "b/hello", "b/other"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "fleet.toml").write_text('[[image]]\nbinary = "a/hello"\n')
    (tmp_path / "push.toml").write_text('[[image]]\nbinary = "a/hello"\npush = true\n')
    assert said in refused(tmp_path, *words).err


def test_a_file_that_was_only_found_lists_no_images(tmp_path: Path) -> None:
    (tmp_path / "scratchpack.toml").write_text('[[image]]\nbinary = "/usr/bin/jq"\n')
    assert "does not say what is packed" in refused(tmp_path, "/usr/bin/jq").err


@pytest.mark.campaign
def test_thirty_programs_share_what_they_have_in_common(tmp_path: Path) -> None:
    """The fleet of the promise: layer bytes, the thirty-first, a second machine."""
    thirty = paths(ALL_OF_USR)
    assert len(thirty) == 30
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    fleet = Fleet(tmp_path / "first", *thirty)
    assert fleet.run.status == 0, fleet.run.err
    holds_the_bound(fleet)
    other = Fleet(tmp_path / "second", "--jobs", "1", *reversed(thirty[5:17]), tools.need("cat", package="coreutils"))
    assert other.run.status == 0, other.run.err
    ours = fleet.layers()
    for name, layers in other.layers().items():
        if name == "cat":
            assert set(layers[:-1]) <= set(fleet.sizes())
        else:
            assert layers == ours[name]
