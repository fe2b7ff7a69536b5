"""Tree outputs: the same entries as the image, with their modes, owners, links and times (I17, S10, S15)."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from scratchpack.elf.machines import Platform
from scratchpack.errors import OutputError
from scratchpack.oci.layer import build_layer
from scratchpack.oci.model import ImageConfig
from scratchpack.oci.spool import TemporarySpool
from scratchpack.rootfs import Directory, File, Rootfs, Symlink, inline
from scratchpack.sinks.local import LocalTree
from scratchpack.sinks.tar import RootfsTar
from tests.support import table

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = ImageConfig(Platform("linux", "amd64"))
ROOTFS = Rootfs(
    [
        File("/bin/app", inline(b"app"), mode=0o755, inode=(1, 1)),
        File("/bin/same", inline(b"app"), mode=0o755, inode=(1, 1)),
        File("/etc/conf", inline(b"c"), mode=0o640, uid=12, gid=34),
        File("/usr/lib/\udcff", inline(b"bytes")),
        Symlink("/lib", "usr/lib"),
        Directory("/sealed", 0o555),
        File("/sealed/in", inline(b"")),
        Directory("/tmp", 0o1777),
    ]
)
TABLE = {
    "/bin": "dir 0755",
    "/bin/app": "file 0755",
    "/bin/same": "same as /bin/app",
    "/etc": "dir 0755",
    "/etc/conf": "file 0640 12:34",
    "/lib": "symlink usr/lib",
    "/sealed": "dir 0555",
    "/sealed/in": "file 0644",
    "/tmp": "dir 1777",
    "/usr": "dir 0755",
    "/usr/lib": "dir 0755",
    "/usr/lib/\udcff": "file 0644",
}


def test_a_tree_is_what_the_plan_says(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        LocalTree(str(tmp_path / "tree"), mtime=1_000_000).write(ROOTFS, CONFIG)
    finally:
        os.umask(old)
    tree = tmp_path / "tree"
    assert table.of_directory(tree) == (TABLE if os.geteuid() == 0 else {**TABLE, "/etc/conf": "file 0640"})
    assert {path.lstat().st_mtime for path in (tree, *tree.rglob("*"))} == {1_000_000}
    assert stat.S_IMODE(tree.stat().st_mode) == 0o755


def test_a_tar_is_the_layer_before_compression(tmp_path: Path) -> None:
    receipt = RootfsTar(str(tmp_path / "r.tar"), mtime=5).write(ROOTFS, CONFIG)
    with TemporarySpool() as spool:
        assert receipt.digest == build_layer(ROOTFS, spool=spool, mtime=5).diff_id
    assert table.of_tar(tmp_path / "r.tar") == TABLE


def test_a_tree_that_holds_something_is_not_touched(tmp_path: Path) -> None:
    """S17."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "mine").write_text("precious")
    with pytest.raises(OutputError, match="not empty"):
        LocalTree(str(tmp_path / "tree")).write(ROOTFS, CONFIG)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["mine", "tree"]


def test_force_exchanges_the_trees(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "old").write_text("old")
    LocalTree(str(tmp_path / "tree"), force=True).write(ROOTFS, CONFIG)
    assert not (tmp_path / "tree" / "old").exists()
    assert (tmp_path / "tree/bin/app").read_bytes() == b"app"
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


def test_force_works_where_names_cannot_be_exchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every filesystem, and no Mac, has renameat2."""
    monkeypatch.setattr("scratchpack.sinks.publish._exchange", lambda one, other: False)
    test_force_exchanges_the_trees(tmp_path)


def test_a_file_is_not_replaced_by_a_tree(tmp_path: Path) -> None:
    (tmp_path / "tree").write_text("a file")
    with pytest.raises(OutputError, match="it is a file"):
        LocalTree(str(tmp_path / "tree"), force=True).write(ROOTFS, CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


def test_an_attribute_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    """S15: no silent loss."""
    rootfs = Rootfs([File("/p", inline(b"x"), xattrs=(("nonsense.attribute", b"v"),))])
    with pytest.raises(OutputError, match=r"cannot keep the attribute nonsense\.attribute"):
        LocalTree(str(tmp_path / "tree")).write(rootfs, CONFIG)
    assert list(tmp_path.iterdir()) == []
