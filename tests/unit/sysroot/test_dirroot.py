"""S5, S8, S9, S11: a root directory is confined like a chroot."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from scratchpack.errors import ConfinementError, InputError, UsageError
from scratchpack.sysroot.dirroot import DirRoot
from scratchpack.sysroot.model import Link

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "usr/lib").mkdir(parents=True)
    (root / "usr/lib/libx.so.1.2").write_text("x")
    (root / "usr/lib/libx.so.1").symlink_to("libx.so.1.2")
    (root / "lib").symlink_to("usr/lib")
    (root / "abs").symlink_to("/usr/lib/libx.so.1")
    (root / "up").symlink_to("../../../../../../usr/lib/libx.so.1.2")
    (root / "loop").symlink_to("loop")
    (root / "gone").symlink_to("nowhere")
    (tmp_path / "outside").write_text("secret")
    (root / "escape").symlink_to(tmp_path / "outside")
    (root / "climb").symlink_to("../outside")
    return root


@pytest.fixture
def root(tree: Path) -> Iterator[DirRoot]:
    with DirRoot(str(tree)) as root:
        yield root


def test_links_on_the_way_are_named(root: DirRoot) -> None:
    node = root.lookup("/lib/libx.so.1")
    assert node is not None
    assert node.canonical == "/usr/lib/libx.so.1.2"
    assert node.links == (Link("/lib", "usr/lib"), Link("/usr/lib/libx.so.1", "libx.so.1.2"))
    with root.open(node) as stream:
        assert stream.read() == b"x"


@pytest.mark.parametrize("name", ["/abs", "/up", "/../../lib/libx.so.1", "abs", "/usr/../abs", "//abs"])
def test_absolute_and_climbing_links_stay_inside(root: DirRoot, name: str) -> None:
    node = root.lookup(name)
    assert node is not None
    assert node.canonical == "/usr/lib/libx.so.1.2"


@pytest.mark.parametrize(
    "name", ["/escape", "/climb", "/gone", "/none", "/abs/", "/abs/.", "/abs/..", "", "/a\0b", "/" + "n" * 300, "/x" * 3000]
)  # fmt: skip
def test_what_is_not_inside_is_not_there(root: DirRoot, name: str) -> None:
    assert root.lookup(name) is None


def test_a_loop_is_an_error(root: DirRoot) -> None:
    with pytest.raises(ConfinementError, match="too many symbolic links"):
        root.lookup("/loop")


def test_a_link_itself_can_be_asked_for(root: DirRoot) -> None:
    node = root.lookup("/lib/libx.so.1", follow=False)
    assert node is not None
    assert (node.kind, node.canonical, node.target) == ("symlink", "/usr/lib/libx.so.1", "libx.so.1.2")
    assert node.links == (Link("/lib", "usr/lib"),)


def test_a_relative_name_starts_at_cwd(root: DirRoot) -> None:
    node = root.lookup("libx.so.1.2", cwd="/lib")
    assert node is not None
    assert node.canonical == "/usr/lib/libx.so.1.2"


def test_a_fifo_is_never_opened(tree: Path, root: DirRoot) -> None:
    os.mkfifo(tree / "pipe")
    node = root.lookup("/pipe")
    assert node is not None
    with pytest.raises(InputError, match="it is a fifo"):
        root.open(node)


def test_names_are_listed_by_their_bytes(tree: Path, root: DirRoot) -> None:
    (tree / "usr/lib" / os.fsdecode(b"\xff")).write_text("")
    (tree / "usr/lib/\xe9").write_text("")
    node = root.lookup("/lib")
    assert node is not None
    assert root.list(node) == ("libx.so.1", "libx.so.1.2", "\xe9", os.fsdecode(b"\xff"))


def test_a_root_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot use"):
        DirRoot(str(tmp_path / "none"))


@pytest.mark.parametrize("name", ["/usr/\ud800", "/\udfff/x", "/usr/\0", "/" + "x" * 5000, "/" + "\udc80" * 4096, ""])
def test_what_no_file_can_be_called_is_not_there(tree: Path, name: str) -> None:
    """S5, S11: half a surrogate pair stands for no byte; what stands for one (\\udc80 to \\udcff) is a name as others are."""
    with DirRoot(str(tree)) as root:
        assert root.lookup(name) is None
        assert root.lookup(f"{name}/x") is None
        (tree / "usr/\udcff").write_text("a byte")
        assert root.lookup("/usr/\udcff") is not None
