"""From nodes of a root to entries of the image: programs and closures go in; out come each file with its reason, and every link met on the way (R2, R24)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.entries import dropped, file_of
from scratchpack.pipeline.place import passed_through
from scratchpack.rootfs import RANK_ROOT, Directory, Reason, Symlink
from scratchpack.sysroot.model import Link

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scratchpack.entries import Keep
    from scratchpack.loader.model import Closure, Resolution
    from scratchpack.pipeline.model import Program
    from scratchpack.pipeline.place import Moves
    from scratchpack.rootfs import Entry, File
    from scratchpack.sysroot.model import Node, Sysroot


_OTHERS_READ = 0o004


class Gatherer:
    """Makes entries of nodes, with the modes and privileges that the options say; collects what was dropped."""

    def __init__(self, moves: Moves, keep: Keep) -> None:
        self.moves = moves
        self.keep = keep
        self.warnings: list[str] = []

    def file(self, root: Sysroot, node: Node, because: Reason, *, runs: bool, rank: int = RANK_ROOT) -> File:
        """One regular file. ``runs``: it is started by the kernel, so it is 0755 (0644 otherwise)."""
        if warning := dropped(root, node, self.keep):
            self.warnings.append(warning)
        path = self.moves(node.canonical)
        return file_of(root, node, (because,), runs=runs, keep=self.keep, path=path, rank=rank)

    def published(self, node: Node, home: str) -> None:
        """Say that a library which the loader takes from elsewhere than ``home`` becomes readable to everybody."""
        if not node.mode & _OTHERS_READ and not self.keep.modes and posixpath.dirname(node.canonical) != home:
            self.warnings.append(
                f"{node.canonical}: others may not read it here, and in the image everybody may "
                "(--preserve-modes keeps its mode)"
            )

    def links(self, root: Sysroot, node: Node, because: Reason) -> Iterator[Entry]:
        """Each symbolic link that led to a node, and the directories that ``..`` on the way stands on."""
        for link in node.links:
            target = self.moves.target(link)
            yield Symlink(self.moves(link.path), target, (Reason("link", because.by, because.detail),))
            if target == link.target:
                yield from self._stood_on(root, posixpath.join(posixpath.dirname(link.path), target), because)
        yield from self._stood_on(root, node.asked, because)

    def _stood_on(self, root: Sysroot, path: str, because: Reason) -> Iterator[Entry]:
        for directory in passed_through(root, path):
            yield Directory(self.moves(directory), because=(Reason("parent", because.by, path),))


def program_entries(gatherer: Gatherer, programs: Iterable[Program], moves: Moves) -> Iterator[Entry]:
    """The programs themselves; one that keeps its path keeps the links that lead to it."""
    for program in programs:
        reason = _asked(program)
        made = gatherer.file(program.root, program.node, reason, runs=True)
        if program.given in moves.programs:
            yield made._replace(path=moves.of(program))
        else:
            yield made
            yield from gatherer.links(program.root, program.node, reason)


def _asked(program: Program) -> Reason:
    if not program.asked_by:
        return Reason("program", program.given)
    if program.asked_for == "#!":
        return Reason("interp", program.asked_by, "#!")
    return Reason("need", "commands", f"{program.asked_by} {program.asked_for}")


def moved(entry: Entry, moves: Moves) -> Entry:
    """An entry of a need at its path in the image; a link that moves leads to the same file as before."""
    path = moves(entry.path)
    if not isinstance(entry, Symlink):
        return entry if path == entry.path else entry._replace(path=path)
    target = moves.target(Link(entry.path, entry.target))
    return entry if (path, target) == (entry.path, entry.target) else entry._replace(path=path, target=target)


def closure_entries(gatherer: Gatherer, closure: Closure, root: Sysroot) -> Iterator[Entry]:
    """Every object of a closure as found, with links, hard links and processor variants; what the loader reads itself."""
    for node in closure.extra:
        configuration = Reason("needed", closure.roots[0].path, "the loader's own configuration")
        yield gatherer.file(root, node, configuration, runs=False)
        yield from gatherer.links(root, node, configuration)
    for resolution in (*closure.resolved, *closure.aliases):
        reason = _reason(resolution)
        runs = resolution.found_by == "interp" or resolution.facts.interpreter is not None
        gatherer.published(resolution.node, posixpath.dirname(closure.roots[0].node.canonical))
        yield gatherer.file(resolution.root, resolution.node, reason, runs=runs)
        yield from gatherer.links(resolution.root, resolution.node, reason)
        for variant in resolution.variants:
            extra = Reason("needed", resolution.requested_by, f"{resolution.soname} for {variant.level}")
            yield gatherer.file(resolution.root, variant.node, extra, runs=False)
            yield from gatherer.links(resolution.root, variant.node, extra)


def _reason(resolution: Resolution) -> Reason:
    kind = "interp" if resolution.found_by == "interp" else "needed"
    return Reason(kind, resolution.requested_by, resolution.soname)
