"""An image's layers seen as one root: what an engine would show, with nothing unpacked (S25)."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
import zstandard

from scratchpack.errors import ConfinementError, InputError
from scratchpack.sysroot.layerroot import LayerRoot
from scratchpack.sysroot.model import Link
from tests.support import tools

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Entry = tuple[
    str, bytes | str | None
]  # a name, and content (bytes), a link's target ("-> x", "= x") or None: directory


def layer(*entries: Entry, pax: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, what in entries:
            info = tarfile.TarInfo(name)
            info.pax_headers = pax or {}
            if isinstance(what, bytes):
                info.size = len(what)
            elif what is None:
                info.type = tarfile.DIRTYPE
            else:
                info.type = tarfile.SYMTYPE if what.startswith("-> ") else tarfile.LNKTYPE
                info.linkname = what.partition(" ")[2]
            archive.addfile(info, io.BytesIO(what) if isinstance(what, bytes) else None)
    return out.getvalue()


def root(*blobs: bytes, limit: int = 1 << 30) -> LayerRoot:
    return LayerRoot([lambda blob=blob: io.BytesIO(blob) for blob in blobs], name="test:latest", limit=limit)  # type: ignore[misc]


def content(tree: LayerRoot, path: str) -> bytes | None:
    node = tree.lookup(path)
    if node is None:
        return None
    with tree.open(node) as stream:
        return stream.read()


def test_a_later_layer_replaces_a_file() -> None:
    with root(layer(("a", b"1"), ("b", b"2")), layer(("a", b"3"))) as tree:
        assert (content(tree, "/a"), content(tree, "/b")) == (b"3", b"2")


def test_a_whiteout_deletes_what_is_below_and_not_its_own_layer() -> None:
    with root(layer(("d/a", b"1"), ("d/b", b"2")), layer(("d/a", b"3"), ("d/.wh.a", b""), ("d/.wh.b", b""))) as tree:
        assert (content(tree, "/d/a"), content(tree, "/d/b")) == (b"3", None)


def test_an_opaque_directory_hides_all_below_it() -> None:
    with root(layer(("d/a", b"1")), layer(("d/c", b"2"), ("d/.wh..wh..opq", b""))) as tree:
        node = tree.lookup("/d")
        assert node is not None
        assert tree.list(node) == ("c",)


def test_links_are_walked_inside_the_image() -> None:
    entries: tuple[Entry, ...] = (("usr/lib/x", b"1"), ("lib", "-> usr/lib"), ("up", "-> ../../../lib/x"))
    with root(layer(*entries)) as tree:
        node = tree.lookup("/up")
        assert node is not None
        assert node.canonical == "/usr/lib/x"
        assert node.links == (Link("/up", "../../../lib/x"), Link("/lib", "usr/lib"))


def test_hard_links_are_one_file() -> None:
    with root(layer(("a", b"1"), ("b", "= a"))) as tree:
        first, second = tree.lookup("/a"), tree.lookup("/b")
        assert first is not None
        assert second is not None
        assert first.inode == second.inode
        assert content(tree, "/b") == b"1"


def test_a_link_loop_is_an_error() -> None:
    with root(layer(("a", "-> b"), ("b", "-> a"))) as tree, pytest.raises(ConfinementError, match="too many"):
        tree.lookup("/a")


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress], ids=["gzip", "zstd"])
def test_a_compressed_layer_reads_the_same(pack: Callable[[bytes], bytes]) -> None:
    data = os.urandom(70_000)
    with root(pack(layer(("a", data), ("b", b"2")))) as tree:
        assert (content(tree, "/a"), content(tree, "/b")) == (data, b"2")


def test_names_that_climb_stay_inside() -> None:
    with root(layer(("../../etc/x", b"1"), ("./y", b"2"))) as tree:
        assert (content(tree, "/etc/x"), content(tree, "/y")) == (b"1", b"2")


def test_a_name_that_is_not_utf8_round_trips() -> None:
    name = os.fsdecode(b"n\xff")
    with root(layer((name, b"1"))) as tree:
        assert content(tree, "/" + name) == b"1"


def test_capabilities_are_read() -> None:
    with root(
        layer(("a", b"1"), pax={"SCHILY.xattr.security.capability": "\x01\x02", "SCHILY.xattr.other": "x"})
    ) as tree:
        node = tree.lookup("/a")
        assert node is not None
        assert tree.xattrs(node) == {"security.capability": b"\x01\x02"}


def test_a_decompression_bomb_is_refused() -> None:
    bomb = gzip.compress(bytes(64 << 20))
    with pytest.raises(InputError, match="more than 1048576 bytes"):
        root(bomb, limit=1 << 20)


def test_a_huge_extended_header_is_refused() -> None:
    with pytest.raises(InputError, match="extended header of"):
        root(layer(("a", b"1"), pax={"comment": "x" * (2 << 20)}))


@pytest.mark.parametrize(
    "blob",
    [
        gzip.compress(layer(("a", b"1")))[:-12],
        layer(("a", b"1" * 4000))[:2048],
        b"text, and no archive at all" * 40,
        b"BZh91AY",
        zstandard.ZstdCompressor().compress(layer(("a", os.urandom(4000))))[:300],
        layer(("a", "= nothing")),
    ],
    ids=["cut gzip", "cut tar", "text", "bzip2", "cut zstd", "hard link to nothing"],
)
def test_a_damaged_layer_is_an_input_error(blob: bytes) -> None:
    with pytest.raises(InputError, match="layer 1 of test:latest"):
        root(blob)


def test_a_sparse_file_reads_back_with_its_holes(tmp_path: Path) -> None:
    tools.need("tar", package="tar")
    with (tmp_path / "s").open("wb") as stream:
        stream.truncate(1 << 20)
        stream.seek(300_000)
        stream.write(b"middle")
    for form in ("gnu", "pax"):
        subprocess.run(["tar", "-S", f"--format={form}", "-cf", "s.tar", "s"], cwd=tmp_path, check=True)
        with root((tmp_path / "s.tar").read_bytes()) as tree:
            found = content(tree, "/s")
            assert found == (tmp_path / "s").read_bytes()
