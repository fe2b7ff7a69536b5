"""The proof of a plan: what the loader finds here, and the planned files, go in; files in whose image the loader finds the same come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import ClosureError
from scratchpack.loader.model import FoundBy

if TYPE_CHECKING:
    from scratchpack.pipeline.loading import Loading
    from scratchpack.pipeline.place import Moves
    from scratchpack.rootfs import Rootfs


def proven(
    loading: Loading, placed: tuple[str, ...], rootfs: Rootfs, moves: Moves, *, strict: bool
) -> tuple[Rootfs, tuple[str, ...]]:
    """Resolve again inside the planned files; with a generated cache where the loader needs one (R23), and what still differs.

    Raises:
        ClosureError: the image's loader would find other files, or miss some.
    """
    from scratchpack.verification.again import differences

    closure = loading.closure
    inside = loading.inside(placed)
    started = (None if path is None else moves(path) for path in inside[len(placed) :])
    inside = (*inside[: len(placed)], *started)
    found = differences(closure, inside, loading.opened, rootfs, loading.env, moves.__call__, loading.late)
    if found and any(resolution.found_by is FoundBy.CACHE for resolution in closure.resolved):
        from scratchpack.pipeline.cache import cache_entry

        rootfs = rootfs.merge([cache_entry(closure)])
        found = differences(closure, inside, loading.opened, rootfs, loading.env, moves.__call__, loading.late)
    if found and strict:
        raise ClosureError(
            f"cannot pack {closure.roots[0].path}: inside the image its loader would not find what it finds here",
            details=found,
            hint="place the program where its libraries are found with --at PATH, or set -e LD_LIBRARY_PATH=DIR",
        )
    return rootfs, found
