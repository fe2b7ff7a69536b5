"""The closure resolved a second time inside the planned root filesystem: nothing is published unless both agree."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from scratchpack.loader.objects import Objects
from scratchpack.loader.resolve import LoaderSession, Placed, merge
from scratchpack.verification.planned import PlannedRoot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from scratchpack.loader.model import Closure, LoaderEnv
    from scratchpack.rootfs import Rootfs


def differences(
    closure: Closure,
    placed: Iterable[str | None],
    opened: Iterable[tuple[int, str, str]],
    rootfs: Rootfs,
    env: LoaderEnv,
    moved: Callable[[str], str],
    late: Mapping[int, str] = MappingProxyType({}),
) -> tuple[str, ...]:
    """What the image's loader would do otherwise; empty when it finds the very files that were planned.

    ``placed`` are the programs' paths in the image, ``None`` for one that loads nothing; ``opened`` what they open later:
    (number of the program, name, path of the object that opens it); ``moved`` maps a path of the source to the image's;
    ``late`` has the loader of each static program that opens something (N41).
    """
    root = PlannedRoot(rootfs)
    objects = Objects()
    sessions = [
        None if path is None else LoaderSession(Placed(root, path, late.get(number)), root, env, objects)
        for number, path in enumerate(placed)
    ]
    for number, name, requester in opened:
        session = sessions[number]
        if session is not None:
            session.open(moved(name) if name.startswith("/") else name, moved(requester))
    again = merge(session.closure for session in sessions if session is not None)
    known = {(problem.kind, problem.name) for problem in closure.problems}
    found = tuple(
        f"{problem.name}: {problem.kind}, asked for by {problem.requester}: {problem.detail}".rstrip(": ")
        for problem in again.errors
        if (problem.kind, problem.name) not in known
    )
    planned = {moved(resolution.node.canonical) for resolution in closure.resolved}
    inside = {resolution.node.canonical for resolution in again.resolved}
    found += tuple(f"{path}: planned, and not loaded in the image" for path in sorted(planned - inside))
    return found + tuple(f"{path}: loaded in the image, and not planned" for path in sorted(inside - planned))
