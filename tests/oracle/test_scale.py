"""A closure of 200 libraries: the loader's own list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle.world import RUNPATH

if TYPE_CHECKING:
    from tests.oracle.world import World

COUNT = 200


def test_two_hundred_libraries_resolve_as_the_loader_does(glibc: World) -> None:
    for n in range(COUNT):
        needs = [f"lib{m}.so" for m in (2 * n + 1, 2 * n + 2, n + 7) if m < COUNT]
        glibc.lib(f"/app/lib/lib{n}.so", needs, *RUNPATH, "/no/where:$ORIGIN")
    glibc.program("/app/p", ["lib0.so", "lib3.so"], *RUNPATH, "$ORIGIN/lib")
    assert len(glibc.agree("/app/p").paths) == COUNT
