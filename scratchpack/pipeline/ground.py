"""What a plan is resolved in: the root, with what the user names laid over it and what the user leaves out hidden.

In go ``--include``, ``--library-path`` and ``--exclude``; out come a root that answers as the image will, the entries that
the options bring, and the programs seen in that root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import UsageError
from scratchpack.pipeline import library_path
from scratchpack.pipeline.exclude import Exclusion
from scratchpack.record import NamedTuple
from scratchpack.rootfs import File
from scratchpack.sysroot.overlay import Laid, OverlayRoot, Without

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scratchpack.pipeline.gather import Gatherer
    from scratchpack.pipeline.include import Included
    from scratchpack.pipeline.model import Program
    from scratchpack.pipeline.place import Moves
    from scratchpack.request.model import Request
    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Sysroot


class Ground(NamedTuple):
    """A root as the image will have it."""

    below: Sysroot  # the root alone
    root: Sysroot  # with what is laid over it: needs read here
    search: Sysroot  # less what is left out: the loader looks here
    exclusion: Exclusion
    over: Mapping[str, Laid] = {}
    found: Mapping[str, Included] = {}  # by path in the image, what --include brings
    entries: tuple[Entry, ...] = ()
    libraries: library_path.Libraries = library_path.NONE

    @property
    def named(self) -> dict[str, Included]:
        """Of what was found, what an option named: a trace names what a run opened, and none of it is configuration."""
        return {path: one for path, one in self.found.items() if one.entry.because[0].by != "--trace"}

    def standing(self, programs: tuple[Program, ...]) -> tuple[Program, ...]:
        """The programs as they stand in this root."""
        return tuple(
            program._replace(root=self.root) if program.root is self.below else program for program in programs
        )

    def moved(self, programs: tuple[Program, ...], moves: Moves) -> tuple[Ground, tuple[Program, ...]]:
        """The same, each program at its place in the image: what it names by ``$ORIGIN`` is what is laid beside it there."""
        over = {**self.over, **{moves.of(program): Laid(program.root, program.node) for program in programs}}
        root = OverlayRoot(self.below, over, self.libraries.hidden)
        at = []
        for program in programs:
            path = moves.of(program)
            if (node := root.lookup(path)) is not None:
                at.append(program._replace(root=root, path=path, node=node, keeps_path=True))
        return self._replace(root=root, search=_less(root, self.exclusion), over=over), tuple(at)


def bare(root: Sysroot) -> Ground:
    """A root that nothing is laid over."""
    return Ground(root, root, root, Exclusion(()))


def ground(
    asked: Request, programs: tuple[Program, ...], main: Program, gatherer: Gatherer, host: Sysroot, root: Sysroot
) -> Ground:
    """Lay what was named over the root. A program that keeps its path is not replaced.

    Raises:
        UsageError: a name that is nothing, or cannot be placed.
    """
    exclusion = Exclusion(asked.exclude)
    found: Mapping[str, Included] = {}
    entries: tuple[Entry, ...] = ()
    if asked.include or asked.traced:
        from scratchpack.pipeline.include import Includes

        includes = Includes(gatherer, host, root, exclusion)
        includes.walk(asked.include)
        includes.opened(asked.traced)
        found, entries = includes.found, tuple(includes.entries)
    libraries = library_path.NONE
    if asked.library_path:
        libraries = library_path.libraries(asked.library_path, main, host, root)
    staying = {path for program in programs if program.root is root for path in (program.path, program.node.canonical)}
    over = {path: laid for path, laid in libraries.over.items() if path not in staying}
    over |= {path: included.laid for path, included in found.items() if path not in staying}
    made = OverlayRoot(root, over, libraries.hidden) if over or libraries.hidden else root
    if made is not root:
        from scratchpack.needs.gate import GIVEN

        made.kept[GIVEN] = frozenset(found)
    return Ground(root, made, _less(made, exclusion), exclusion, over, found, entries, libraries)


def _less(root: Sysroot, exclusion: Exclusion) -> Sysroot:
    return Without(root, exclusion.hides) if exclusion else root


def beside_programs(ground: Ground, placed: Mapping[str, File]) -> Iterator[Entry | str]:
    """The included entries but for those that stand where a program does, each of which becomes a warning.

    Raises:
        UsageError: one that was named by itself.
    """
    for entry in ground.entries:
        program = placed.get(entry.path)
        same = program is not None and isinstance(entry, File) and entry.source.identity == program.source.identity
        if program is None or same:
            yield entry
            continue
        option = entry.because[0].by
        included = ground.found.get(entry.path)
        if included is not None and included.by_itself:
            raise UsageError(
                f"cannot include {option.removeprefix('--include ')}: the program itself stands at {entry.path}",
                hint="send it elsewhere with --include SRC:DST, or place the program elsewhere with --at PATH",
            )
        yield f"{entry.path} of {option} is left out: the program itself stands there"
