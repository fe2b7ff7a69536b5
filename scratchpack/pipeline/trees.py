"""What moves, moves whole: the data that a relocatable runtime finds from where it lies itself keeps its place beside it.

In go programs, what the needs bring, and the closure; out come the paths that have to move with the programs, or the
programs that have to keep their path because something names their tree by an absolute one.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs import places
from scratchpack.record import NamedTuple
from scratchpack.rootfs import Symlink
from scratchpack.sysroot.model import Link

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scratchpack.loader.model import Closure, Resolution
    from scratchpack.needs.base import NeedResult
    from scratchpack.pipeline.model import Program
    from scratchpack.pipeline.place import Moves
    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Sysroot


class Trees(NamedTuple):
    """What is known of the programs' own trees."""

    together: tuple[str, ...] = ()  # paths of the source that move with the programs
    tops: frozenset[str] = frozenset()  # the directories that hold them
    keeping: frozenset[str] = frozenset()  # names of programs, as given, that keep their path


def trees(programs: tuple[Program, ...], needs: tuple[NeedResult, ...], closure: Closure, root: Sysroot) -> Trees:
    """The trees of the programs that would move, known by their landmarks and only as far as a need brings of them."""
    together: list[str] = []
    keeping: set[str] = set()
    moving: set[str] = set()
    real = {resolution.path: resolution.node.canonical for resolution in closure.resolved}
    added = [(need, path) for need in needs if need.decision == "added" for path in _paths(need, real)]
    for program in programs if added else ():
        if program.keeps_path or program.root is not root or program.is_script:
            continue  # what moves with a script, its reader says
        from scratchpack.needs.owntree import landmarked

        tops = landmarked(root, program.node.canonical)
        mine = [
            path for need, path in added if any(places.within(path, top) for top in tops) and not _is_named(need, path)
        ]
        if not mine:
            continue
        named = any(not r.by_origin and any(places.within(r.path, top) for top in tops) for r in _at_start(closure))
        if named or any(root.lookup(posixpath.join(top, "pyvenv.cfg")) is not None for top in tops):
            keeping.add(program.given)
        else:
            together += (path for path in mine if path not in tops)
            moving.update(tops)
    return Trees(tuple(dict.fromkeys(together)), frozenset(moving), frozenset(keeping))


def _paths(need: NeedResult, real: Mapping[str, str]) -> Iterator[str]:
    """Every path of the source that a need brings; a library that it opens by its path also by the one without links."""
    yield from (entry.path for entry in need.files)
    for opened in need.elf_roots:
        if opened.name.startswith("/"):
            yield opened.name
            if opened.name in real:
                yield real[opened.name]


def _at_start(closure: Closure) -> Iterator[Resolution]:
    """What a search path led to, and no name with a directory in it: those are what needs open."""
    return (resolution for resolution in closure.resolved if "/" not in resolution.soname)


def _is_named(need: NeedResult, path: str) -> bool:
    """Whether the evidence names it by an absolute path, where it has to stay."""
    return any(name.startswith("/") and places.within(path, name) for item in need.evidence for name in item.found)


def moved(needs: tuple[NeedResult, ...], moves: Moves, found: Trees) -> tuple[NeedResult, ...]:
    """The needs' results with the paths that their files and variables have in the image."""
    if not found.together or moves.directory is None:
        return needs
    old, new = moves.directory
    tops = {top: (new.rstrip("/") + top[len(old.rstrip("/")) :]) or "/" for top in found.tops}
    together = {*found.together, *tops}

    def image(path: str) -> str:
        return tops.get(path) or moves(path)

    def entry_of(entry: Entry) -> Entry:
        if entry.path not in together:
            return entry
        if isinstance(entry, Symlink):
            return entry._replace(path=image(entry.path), target=moves.target(Link(entry.path, entry.target)))
        return entry._replace(path=image(entry.path))

    return tuple(
        need._replace(
            files=tuple(entry_of(entry) for entry in need.files),
            env={name: image(value) for name, value in need.env.items()},
        )
        for need in needs
    )


def report_lines(programs: tuple[Program, ...], found: Trees, moves: Moves) -> tuple[str, ...]:
    """A line of the report for each program with a tree of its own: whether it moved or stayed."""
    lines = [
        f"{program.given} keeps its path {program.path}: files of its own tree are named by their absolute paths"
        for program in programs
        if program.given in found.keeping
    ]
    if found.together and moves.directory is not None:
        lines.append(
            f"what the program finds beside itself moves with it: {moves.directory[0]} is {moves.directory[1]} in the image"
        )
    return tuple(lines)
