"""S8, S9, S10: both ways of opening inside a root agree, neither is fooled by a race, and a changed file is an error."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Self

import pytest

from scratchpack.errors import ConfinementError, InputError
from scratchpack.sysroot import confine
from scratchpack.sysroot.dirroot import DirRoot
from tests.support.tools import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scratchpack.sysroot.model import Node

WAYS = [confine.open_by_openat2, confine.open_by_walk]
CASES = [
    "/usr/lib/x", "usr/lib/x", "/lib/x", "/abs", "/up", "/deep/../abs", "/../../lib/x", "/chain40", "/chain41", "/loop",
    "/gone", "/none", "/abs/", "/abs/.", "/abs/..", "/lib", "/lib/", "/lib/.", "/", "..", "/escape", "/climb", "/self",
    "/" + "n" * 300, "/noperm/x",
]  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "usr/lib").mkdir(parents=True)
    (root / "deep").mkdir()
    (root / "usr/lib/x").write_text("inside")
    (root / "lib").symlink_to("usr/lib")
    (root / "abs").symlink_to("/usr/lib/x")
    (root / "up").symlink_to("../" * 20 + "lib/x")
    (root / "loop").symlink_to("loop")
    (root / "gone").symlink_to("nowhere")
    (root / "self").symlink_to("/proc/self/exe")
    (tmp_path / "outside").write_text("secret")
    (root / "escape").symlink_to(tmp_path / "outside")
    (root / "climb").symlink_to("../outside")
    (root / "chain1").symlink_to("usr/lib/x")
    for number in range(2, 42):
        (root / f"chain{number}").symlink_to(f"chain{number - 1}")
    return root


@pytest.fixture
def descriptor(tree: Path) -> Iterator[int]:
    descriptor = os.open(tree, confine.DIRECTORY)
    yield descriptor
    os.close(descriptor)


def outcome(way: Callable[[int, str], int], root: int, path: str) -> tuple[int, int] | str:
    """The file that was opened, or that it was not there, or that links loop."""
    try:
        opened = way(root, path)
    except OSError as error:
        return "loop" if error.errno == 40 else "not there" if confine.is_absence(error) else str(error)
    try:
        status = os.fstat(opened)
    finally:
        os.close(opened)
    return status.st_dev, status.st_ino


@pytest.mark.parametrize("path", CASES)
def test_openat2_the_walk_and_lookup_agree(tree: Path, descriptor: int, path: str) -> None:
    if not confine._Openat2.works():
        missing("this kernel has no openat2")
    first, second = (outcome(way, descriptor, path) for way in WAYS)
    assert first == second
    with DirRoot(str(tree)) as root:
        try:
            node = root.lookup(path)
        except ConfinementError:
            assert first == "loop"
        else:
            assert (node.inode[1:] if node else "not there") == first


def test_the_walk_serves_where_openat2_does_not_exist(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confine._Openat2, "_works", False)
    monkeypatch.setattr(confine, "open_by_openat2", None)
    with DirRoot(str(tree)) as root:
        node = root.lookup("/abs")
        assert node is not None
        with root.open(node) as stream:
            assert stream.read() == b"inside"


def test_the_walk_needs_no_o_path(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS."""
    monkeypatch.setattr(confine, "DIRECTORY", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    descriptor = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert outcome(confine.open_by_walk, descriptor, "/up") == (
            os.stat(tree / "usr/lib/x").st_dev,
            os.stat(tree / "usr/lib/x").st_ino,
        )
    finally:
        os.close(descriptor)


class Swapper:
    """Swaps a directory inside a root with a link that leads out of it, as fast as it can."""

    def __init__(self, root: Path, outside: Path) -> None:
        self._root = str(root)
        os.mkdir(root / "d")
        (root / "d/f").write_text("inside")
        os.symlink(outside, root / "other")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._swap)
        self.swaps = 0

    def _swap(self) -> None:
        here, other, spare = (f"{self._root}/{name}" for name in ("d", "other", "spare"))
        while not self._stop.is_set():
            os.rename(here, spare)
            os.rename(other, here)
            os.rename(spare, other)
            self.swaps += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def outside_and_root(tmp_path: Path) -> tuple[Path, Path]:
    outside, root = tmp_path / "outside", tmp_path / "swapped"
    outside.mkdir()
    root.mkdir()
    (outside / "f").write_text("secret")
    return outside, root


@pytest.mark.parametrize("way", WAYS, ids=["openat2", "walk"])
def test_a_swapped_link_never_leads_out(tmp_path: Path, way: Callable[[int, str], int]) -> None:
    outside, root = outside_and_root(tmp_path)
    descriptor = os.open(root, confine.DIRECTORY)
    inside = 0
    try:
        with Swapper(root, outside) as swapper:
            end = time.monotonic() + 1
            while time.monotonic() < end:
                try:
                    opened = way(descriptor, "d/f")
                except OSError:
                    continue
                content = os.read(opened, 10)
                os.close(opened)
                assert content == b"inside"
                inside += 1
        assert swapper.swaps > 100
        assert inside > 0
    finally:
        os.close(descriptor)


@pytest.mark.campaign
@pytest.mark.parametrize("way", WAYS, ids=["openat2", "walk"])
def test_forty_thousand_swaps_never_lead_out(tmp_path: Path, way: Callable[[int, str], int]) -> None:
    """S9: as long as it takes until so many swaps, and as many openings, were made."""
    outside, root = outside_and_root(tmp_path)
    descriptor = os.open(root, confine.DIRECTORY)
    inside = tried = 0
    try:
        with Swapper(root, outside) as swapper:
            while swapper.swaps < 40_000 or tried < 40_000:
                tried += 1
                try:
                    opened = way(descriptor, "d/f")
                except OSError:
                    continue
                content = os.read(opened, 10)
                os.close(opened)
                assert content == b"inside"
                inside += 1
        print(f"{swapper.swaps} swaps, {tried} openings, {inside} of them inside, none outside")  # noqa: T201 - for the docs
        assert inside > 0
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("openat2", [True, False], ids=["openat2", "walk"])
def test_lookup_and_open_never_lead_out_under_a_race(
    tmp_path: Path, openat2: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not openat2:
        monkeypatch.setattr(confine._Openat2, "_works", False)
    outside, root = outside_and_root(tmp_path)
    inside = 0
    with Swapper(root, outside):
        end = time.monotonic() + 1
        while time.monotonic() < end:
            with DirRoot(str(root)) as sysroot:
                try:
                    node = sysroot.lookup("/d/f")
                    if node is None:
                        continue
                    with sysroot.open(node) as stream:
                        assert stream.read() == b"inside"
                        inside += 1
                except ConfinementError:
                    continue
    assert inside > 0


def looked_up(root: DirRoot, path: str) -> Node:
    node = root.lookup(path)
    assert node is not None
    return node


def test_a_file_that_was_written_to_is_an_error(tree: Path) -> None:
    with DirRoot(str(tree)) as root:
        node = looked_up(root, "/usr/lib/x")
        (tree / "usr/lib/x").write_text("longer than before")
        with pytest.raises(ConfinementError, match="it was written to"):
            root.open(node)


def test_a_file_that_was_replaced_is_an_error(tree: Path) -> None:
    with DirRoot(str(tree)) as root:
        node = looked_up(root, "/usr/lib/x")
        (tree / "new").write_text("inside")
        (tree / "new").rename(tree / "usr/lib/x")
        with pytest.raises(ConfinementError, match="another file stands there now"):
            root.open(node)


def test_a_file_that_became_a_link_or_fifo_is_an_error(tree: Path) -> None:
    with DirRoot(str(tree)) as root:
        node = looked_up(root, "/usr/lib/x")
        (tree / "usr/lib/x").unlink()
        (tree / "usr/lib/x").symlink_to("/etc/hosts")
        with pytest.raises(ConfinementError, match="it changed"):
            root.open(node)
        (tree / "usr/lib/x").unlink()
        os.mkfifo(tree / "usr/lib/x")
        with pytest.raises(ConfinementError, match="it changed"):
            root.open(node)


def test_a_file_whose_time_was_put_back_is_an_error(tree: Path) -> None:
    """S10: the same size and the same time, and other bytes."""
    path = tree / "usr/lib/x"
    status = path.stat()
    with DirRoot(str(tree)) as root:
        node = looked_up(root, "/usr/lib/x")
        time.sleep(0.02)  # a file system may stamp in steps of a few milliseconds
        path.write_text(path.read_text()[::-1])
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        with pytest.raises(ConfinementError, match="it was written to"):
            root.open(node)


@pytest.mark.parametrize("host", [True, False], ids=["the machine", "a directory"])
def test_a_root_that_was_closed_says_so(tree: Path, host: bool) -> None:
    name = str(tree / "usr/lib/x") if host else "/usr/lib/x"
    with DirRoot("/" if host else str(tree)) as root:
        node = looked_up(root, name)
    for ask in (lambda: root.open(node), lambda: root.lookup(name), lambda: root.list(node)):
        with pytest.raises(InputError, match="this root was closed"):
            ask()


def test_the_machine_itself_is_checked_too(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("one")
    with DirRoot("/") as root:
        node = looked_up(root, str(tmp_path / "f"))
        (tmp_path / "f").write_text("two!")
        with pytest.raises(ConfinementError):
            root.open(node)


def test_more_directories_than_descriptors_are_kept(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"d{number}").mkdir()
        (tmp_path / f"d{number}/f").write_text("x")
    with DirRoot(str(tmp_path)) as root:
        before = len(os.listdir("/proc/self/fd"))
        for number in range(300):
            looked_up(root, f"/d{number}/f")
        assert len(os.listdir("/proc/self/fd")) - before <= 130
