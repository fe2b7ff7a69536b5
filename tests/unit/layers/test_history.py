"""Layers folded once: what each path was, what is live, and what hid the rest (W1 to W7, S25)."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from scratchpack.errors import InputError
from scratchpack.layers import history as history_
from scratchpack.layers.history import History
from scratchpack.layers.versions import By, Cause
from tests.support.layers import Entry, Generator, tar

if TYPE_CHECKING:
    from scratchpack.layers.versions import PathVersion


def history(*layers: list[Entry] | bytes) -> History:
    blobs = [layer if isinstance(layer, bytes) else tar(*layer) for layer in layers]
    return History([lambda blob=blob: io.BytesIO(blob) for blob in blobs], name="test")  # type: ignore[misc]


def tree(of: History) -> list[str]:
    """A line for each name, as `find -ls` would show it; hard links by their count."""
    lines = []
    for version in of.live():
        record = version.inode.record
        with of.open(version.inode) if record.kind == "file" else io.BytesIO() as stream:
            text = stream.read().decode()
        shown = f"-> {record.target}" if record.kind == "symlink" else text
        mode = "" if record.kind == "symlink" else f"{record.mode:04o}"
        links = f"x{version.inode.links}" if record.kind == "file" and version.inode.links > 1 else ""
        lines.append(" ".join(part for part in (version.path, record.kind, mode, shown, links) if part))
    return lines[1:]


def hidden(of: History) -> list[str]:
    """What became of every version that is not live: path, layer, cause, layer and kind of entry to blame."""
    lines = []
    for version, cause in of.causes(of.hidden):
        assert version.hidden is not None
        lines.append(
            f"{version.path} of {version.layer}: {cause} by {version.hidden.by} {version.hidden.path} of {version.hidden.layer}"
        )
    return lines


CASES = {
    "a whiteout of a file": (
        [[Entry("d/a", text="1"), Entry("d/b", text="2")], [Entry("d/.wh.a")]],
        ["/d directory 0755", "/d/b file 0644 2"],
        ["/d/a of 0: deleted by whiteout /d/a of 1"],
    ),
    "a whiteout of a directory above": (
        [[Entry("d/e/a", text="1")], [Entry(".wh.d")]],
        [],
        ["/d/e/a of 0: deleted by whiteout /d of 1"],
    ),
    "a whiteout stands before or behind what its own layer brings": (
        [[Entry("a", text="1"), Entry("b", text="1")], [Entry("a", text="2"), Entry(".wh.a"), Entry(".wh.b"), Entry("b", text="2")]],
        ["/a file 0644 2", "/b file 0644 2"],
        ["/a of 0: replaced by whiteout /a of 1", "/b of 0: replaced by whiteout /b of 1"],
    ),
    "a dangling whiteout": ([[Entry("a", text="1")], [Entry(".wh.b"), Entry("x/y/.wh.z")]], ["/a file 0644 1"], []),
    "an opaque directory": (
        [[Entry("d/a", text="1"), Entry("d/e/b", text="2")], [Entry("d/c", text="3"), Entry("d/.wh..wh..opq")]],
        ["/d directory 0755", "/d/c file 0644 3"],
        ["/d/a of 0: deleted by opaque directory /d of 1", "/d/e/b of 0: deleted by opaque directory /d of 1"],
    ),
    "an opaque directory that brings the same file again": (
        [[Entry("d/a", text="1")], [Entry("d/.wh..wh..opq"), Entry("d/a", text="1")]],
        ["/d directory 0755", "/d/a file 0644 1"],
        ["/d/a of 0: rewritten by opaque directory /d of 1"],
    ),
    "a mode that changes": (
        [[Entry("a", text="1")], [Entry("a", text="1", mode=0o755)]],
        ["/a file 0755 1"],
        ["/a of 0: metadata-only by entry /a of 1"],
    ),
    "an owner that changes": (
        [[Entry("a", text="1")], [Entry("a", text="1", uid=5)]],
        ["/a file 0644 1"],
        ["/a of 0: metadata-only by entry /a of 1"],
    ),
    "the same file again": ([[Entry("a", text="1")], [Entry("a", text="1")]], ["/a file 0644 1"], ["/a of 0: rewritten by entry /a of 1"]),
    "other content of the same size": (
        [[Entry("a", text="1")], [Entry("a", text="2")]],
        ["/a file 0644 2"],
        ["/a of 0: replaced by entry /a of 1"],
    ),
    "a duplicate entry in one layer": (
        [[Entry("a", text="1"), Entry("a", text="22")]],
        ["/a file 0644 22"],
        ["/a of 0: replaced by entry /a of 0"],
    ),
    "a directory's mode": (
        [[Entry("d", "directory", mode=0o755), Entry("d/a", text="1")], [Entry("d", "directory", mode=0o700)]],
        ["/d directory 0700", "/d/a file 0644 1"],
        ["/d of 0: metadata-only by entry /d of 1"],
    ),
    "a directory that becomes a link": (
        [[Entry("lib", "directory", mode=0o755), Entry("lib/a", text="1"), Entry("usr/lib/b", text="2")], [Entry("lib", "symlink", "usr/lib")]],
        ["/lib symlink -> usr/lib", "/usr directory 0755", "/usr/lib directory 0755", "/usr/lib/b file 0644 2"],
        ["/lib of 0: replaced by other kind /lib of 1", "/lib/a of 0: replaced by other kind /lib of 1"],
    ),
    "a link that becomes a directory": (
        [[Entry("usr/lib/b", text="2"), Entry("lib", "symlink", "usr/lib")], [Entry("lib", "directory", mode=0o755), Entry("lib/a", text="1")]],
        ["/lib directory 0755", "/lib/a file 0644 1", "/usr directory 0755", "/usr/lib directory 0755", "/usr/lib/b file 0644 2"],
        ["/lib of 0: replaced by other kind /lib of 1"],
    ),
    "a hard link to a file of a lower layer": (
        [[Entry("a", text="1")], [Entry("b", "hard link", "a")], [Entry(".wh.a")]],
        ["/b file 0644 1"],
        ["/a of 0: deleted by whiteout /a of 2"],
    ),
    "one of two hard links replaced": (
        [[Entry("a", text="1"), Entry("b", "hard link", "a")], [Entry("a", text="2")]],
        ["/a file 0644 2", "/b file 0644 1"],
        ["/a of 0: replaced by entry /a of 1"],
    ),
    "a name below a link of its own layer goes through it": (
        [[Entry("usr/lib/b", text="2"), Entry("lib", "symlink", "usr/lib"), Entry("lib/a", text="1")]],
        ["/lib symlink -> usr/lib", "/usr directory 0755", "/usr/lib directory 0755", "/usr/lib/a file 0644 1", "/usr/lib/b file 0644 2"],
        [],
    ),
    "what aufs kept for itself is part of no image": (
        [[Entry(".wh..wh.plnk", "directory"), Entry(".wh..wh.plnk/9.1", text="x"), Entry("a", text="1"), Entry(".wh..wh.aufs")]],
        ["/a file 0644 1"],
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_live_and_what_hid_the_rest(case: str) -> None:
    layers, live, gone = CASES[case]
    with history(*layers) as of:
        assert (tree(of), hidden(of)) == (live, gone)


def test_a_path_has_its_versions_oldest_first_and_the_last_may_be_live() -> None:
    with history([Entry("a", text="1")], [Entry(".wh.a")], [Entry("a", text="1")], [Entry("a", text="2")]) as of:
        found = of.versions("/a")
        assert [(version.layer, version.hidden and version.hidden.by) for version in found] == [
            (0, By.WHITEOUT), (2, By.ENTRY), (3, None),
        ]  # fmt: skip
        assert of.versions("/none") == ()


def test_bytes_are_live_while_one_name_is_left_and_dead_once() -> None:
    """W1: a payload is counted once a layer, whatever the number of its names."""
    entries = [Entry("a", text="12345"), Entry("b", "hard link", "a"), Entry("c", "hard link", "a")]
    with history(entries, [Entry(".wh.a"), Entry(".wh.c")]) as of:
        assert (of.payload, of.dead) == ([5, 0], [])
    with history(entries, [Entry(".wh.a"), Entry(".wh.c")], [Entry("b", text="other")]) as of:
        assert [(inode.layer, inode.record.size) for inode in of.dead] == [(0, 5)]


def test_a_name_below_a_link_of_a_lower_layer_is_disputed() -> None:
    """I19: overlay file systems hide the link behind a directory, others write through it."""
    with history([Entry("usr/lib/a", text="1"), Entry("lib", "symlink", "usr/lib")], [Entry("lib/b", text="2")]) as of:
        assert of.disputed == [("/lib", 1)]
        assert tree(of)[:2] == ["/lib directory 0755", "/lib/b file 0644 2"]


def test_digests_are_computed_only_where_sizes_are_equal() -> None:
    with history([Entry("a", text="1"), Entry("b", text="1")], [Entry("a", text="22"), Entry("b", text="2")]) as of:
        of.causes(of.hidden)
        assert {version.path: version.inode.digest is not None for version in of.hidden} == {"/a": False, "/b": True}


@pytest.mark.parametrize("seed", range(20))
def test_live_hidden_and_overhead_are_all_bytes_of_the_layers(seed: int) -> None:
    """W7."""
    layers = [tar(*layer) for layer in Generator(seed).image()]
    with history(*layers) as of:
        live = {
            version.inode: version.inode.record.stored for version in of.live() if version.record.kind != "directory"
        }
        dead = {inode: inode.record.stored for inode in of.dead}
        assert not live.keys() & dead.keys()
        overhead = sum(of.overhead(number) for number in range(len(layers)))
        assert sum(live.values()) + sum(dead.values()) + overhead == sum(map(len, layers))
        assert all(version.hidden is None for version in of.live())


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([Entry("a", "hard link", "none")], "which is not there"),
        ([Entry("a", "hard link", "a")], "which is not there"),
        ([Entry("a", text="1"), Entry("a", "hard link", "a")], "which is not there"),
        ([Entry("d/a", text="1"), Entry("d", "hard link", "d/a")], "which is not there"),
        ([Entry("a", text="1"), Entry("a/b", text="1")], "something stands below it"),
        ([Entry("a", "symlink", "b"), Entry("b", "symlink", "a"), Entry("a/x")], "loop of them"),
        ([Entry("d/.wh.")], "deletes nothing"),
        ([Entry("d/.wh...")], "deletes nothing"),
        ([Entry(".", "symlink", "/etc")], "its / is a symlink"),
        ([Entry("n" * 5000)], "a name of over 4095 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_layer_that_means_nothing_is_refused(entries: list[Entry], why: str) -> None:
    with pytest.raises(InputError, match="layer 1 of test") as caught:
        history(entries)
    assert why in caught.value.message


def test_a_block_that_is_no_header_is_not_the_end_of_a_layer() -> None:
    """Python's tarfile takes it for the end: what follows would be in the image and not in the history."""
    good = tar(Entry("a", text="1"), Entry("b", text="2"))
    with pytest.raises(InputError, match="where a header should be"):
        history(good[:1024] + b"\xff" * 512 + good[1536:])
    with history(good[:2048]) as of:  # without the two blocks of zeroes at the end, as some builders write it
        assert [version.path for version in of.live()] == ["/", "/a", "/b"]


def _with_size(size: int) -> bytes:
    info = tarfile.TarInfo("a")
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(2048)


@pytest.mark.parametrize("size", [-512, -(1 << 40), 1 << 62, (1 << 63) - 1])
def test_a_file_of_no_possible_size_is_refused(size: int) -> None:
    """S5, S25: numbers below zero would lead tarfile round and round."""
    with pytest.raises(InputError, match="layer 1 of test"):
        history(_with_size(size))


def test_thousands_of_extended_headers_are_an_input_error() -> None:
    """S5: tarfile calls itself for each."""
    header = tarfile.TarInfo("x")
    header.type = tarfile.XHDTYPE
    with pytest.raises(InputError, match="layer 1 of test"):
        history(header.tobuf() * 5000 + tar(Entry("a")))


def test_names_are_bounded_over_all_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """S25: directories that a name implies count as well."""
    monkeypatch.setattr(history_, "MAX_NAMES", 100)
    with history([Entry(f"a{number}") for number in range(50)], [Entry(f"b{number}") for number in range(50)]):
        pass
    for layers in ([[Entry(f"a{number}") for number in range(50)], [Entry(f"b{number}") for number in range(51)]], [[Entry("a/" * 100 + "b")]]):  # fmt: skip
        with pytest.raises(InputError, match="more than 100 names"):
            history(*layers)


def test_whiteouts_of_the_same_tree_again_and_again_cost_nothing() -> None:
    """S25: each version is hidden once; ten layers that delete it ten times each change nothing."""
    many = [Entry(f"d/{number}", text="x") for number in range(2000)]
    with history(many, *[[Entry(".wh.d"), Entry("d/.wh..wh..opq")] * 10] * 10) as of:
        assert (len(of.hidden), len(of.dead)) == (2000, 2000)


def test_what_unpacks_to_a_thousand_times_its_size_stays_out_of_memory() -> None:
    """S25: the index streams, and a sparse temporary file holds what is opened."""
    entry = Entry("a", text="\0" * (64 << 20))
    blob = gzip.compress(tar(entry), 1)
    tracemalloc.start()
    try:
        with history(blob) as of, of.open(of.versions("/a")[0].inode) as stream:
            assert stream.seek(0, io.SEEK_END) == 64 << 20
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_what_was_closed_says_so() -> None:
    """A value that can be opened ends with its owner."""
    of = history([Entry("a", text="content")])
    (version,) = of.versions("/a")
    stream = of.open(version.inode)
    of.close()
    for read in (stream.read, lambda: of.open(version.inode), lambda: of.hash([version.inode])):
        with pytest.raises(InputError, match="the image was closed"):
            read()


def test_any_damage_is_an_input_error() -> None:
    """S5: one to eight bytes of a layer changed, a thousand times."""
    good = tar(*Generator(3).image()[0], *Generator(5).image()[0])
    dice = random.Random(0)
    read = 0
    for _ in range(1000):
        bad = bytearray(good)
        for _ in range(dice.randint(1, 8)):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        try:
            with history(bytes(bad)) as of:
                versions: list[PathVersion] = list(of.live())
                of.hash(version.inode for version in versions)
                of.causes(of.hidden)
        except InputError:
            continue
        read += 1
    assert 0 < read < 1000, "damage to content is read, damage to a header is not"


def test_the_cause_of_dead_bytes_has_the_name_that_reports_use() -> None:
    """W2."""
    assert [str(cause) for cause in Cause] == ["deleted", "replaced", "metadata-only", "rewritten"]
