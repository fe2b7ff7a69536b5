"""Where programs and links land, without a disk."""

from __future__ import annotations

import pytest

from scratchpack.pipeline.place import Moves, is_system, parents
from scratchpack.sysroot.model import Link

MOVES = Moves(
    {"/home/me/bin/tool": "/app/bin/tool", "/home/me/lib/a.so": "/app/lib/a.so", "/home/me/lib/a": "/app/lib/a"},
    {},
    ("/home/me", "/app"),
)


@pytest.mark.parametrize("path", ["/usr/bin/x", "/bin/x", "/sbin/x", "/lib/x", "/lib64/x", "/opt/x", "/nix/store/x"])
def test_a_systems_path_is_known_by_its_prefix(path: str) -> None:
    assert is_system(path)


@pytest.mark.parametrize("path", ["/home/usr/bin/x", "/srv/x", "/usrlocal", "/x", "/library/x", "/libx", "/optional/x"])
def test_another_path_is_not(path: str) -> None:
    assert not is_system(path)


@pytest.mark.parametrize(
    ("at", "says", "expected"),
    [
        ("/home/me/lib/a.so", "a.so.1", "a.so.1"),  # both move together
        ("/home/me/lib/a.so", "../other/a.so.1", "../other/a.so.1"),
        ("/home/me/lib/a.so", "/home/me/lib/a.so.1", "/app/lib/a.so.1"),
        ("/home/me/lib/a.so", "/usr/lib/a.so", "/usr/lib/a.so"),  # the system's file stays
        ("/home/me/lib/a.so", "../../../usr/lib/a.so", "/usr/lib/a.so"),
        ("/srv/link", "/home/me/lib/a.so", "/app/lib/a.so"),  # a link that stays follows what moves
        ("/srv/link", "../home/me/lib/a.so", "/app/lib/a.so"),
        ("/srv/link", "file", "file"),
    ],
)
def test_a_link_leads_to_the_same_file_after_the_move(at: str, says: str, expected: str) -> None:
    assert MOVES.target(Link(at, says)) == expected


def test_only_what_is_in_the_table_moves() -> None:
    assert MOVES("/home/me/bin/tool") == "/app/bin/tool"
    assert MOVES("/home/me/fixed/b.so") == "/home/me/fixed/b.so"


def test_every_directory_above_a_path_is_one() -> None:
    assert parents(["/a/b/c", "/a/d", "/e"]) == {"/a", "/a/b"}
