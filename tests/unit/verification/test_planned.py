"""The planned files answer as a root would: links inside it, hard links one file, loops refused (S8)."""

from __future__ import annotations

import pytest

from scratchpack.errors import ConfinementError
from scratchpack.rootfs import Directory, File, Rootfs, Symlink, inline
from scratchpack.sysroot.model import Link
from scratchpack.verification.planned import PlannedRoot

ROOT = PlannedRoot(
    Rootfs(
        [
            Symlink("/lib", "usr/lib"),
            File("/usr/lib/libb.so.1", inline(b"b"), inode=(1,)),
            File("/usr/lib/libc.so.1", inline(b"b"), inode=(1,)),
            Symlink("/usr/lib/liba.so", "/lib/libb.so.1"),
            Symlink("/loop", "loop"),
            Symlink("/gone", "/nowhere"),
            Symlink("/out", "../../../usr"),
            Directory("/tmp", mode=0o1777),
        ]
    )
)


def test_links_are_followed_inside_the_root_and_reported() -> None:
    node = ROOT.lookup("/lib/liba.so")
    assert node is not None
    assert node.canonical == "/usr/lib/libb.so.1"
    assert node.links == (Link("/lib", "usr/lib"), Link("/usr/lib/liba.so", "/lib/libb.so.1"), Link("/lib", "usr/lib"))
    with ROOT.open(node) as stream:
        assert stream.read() == b"b"


def test_a_link_that_climbs_stays_inside() -> None:
    node = ROOT.lookup("/out/lib")
    assert node is not None
    assert node.canonical == "/usr/lib"
    assert ROOT.list(node) == ("liba.so", "libb.so.1", "libc.so.1")


def test_hard_links_are_one_file() -> None:
    one, two = ROOT.lookup("/lib/libb.so.1"), ROOT.lookup("libc.so.1", cwd="/lib")
    assert one is not None
    assert two is not None
    assert one.inode == two.inode


@pytest.mark.parametrize("path", ["/nowhere", "/gone", "/usr/lib/libb.so.1/x", "/usr/lib/libb.so.1/", "/tmp/x/.."])
def test_what_is_not_there_is_not_there(path: str) -> None:
    assert ROOT.lookup(path) is None


def test_a_link_is_itself_when_it_is_not_followed() -> None:
    node = ROOT.lookup("/gone", follow=False)
    assert node is not None
    assert (node.kind, node.target) == ("symlink", "/nowhere")


def test_a_loop_is_refused() -> None:
    with pytest.raises(ConfinementError, match="too many symbolic links"):
        ROOT.lookup("/loop")
