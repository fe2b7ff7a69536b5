"""What the loader maps in one run: programs go in, each gets a namespace of its own, and what is opened later joins it; closures come out, one a program or all merged (R20)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.elf.budget import RUN, Budget
from scratchpack.elf.model import Linkage
from scratchpack.elf.views import Views
from scratchpack.loader.model import Closure, FoundBy, Resolution
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scratchpack.elf.model import ElfFacts
    from scratchpack.loader.model import LoaderEnv, Problem
    from scratchpack.loader.objects import Objects
    from scratchpack.loader.resolve import LoaderSession
    from scratchpack.pipeline.model import Program
    from scratchpack.sysroot.model import Sysroot

_OPENING = frozenset({Linkage.STATIC, Linkage.STATIC_PIE})  # of these, glibc's can open libraries all the same (N41)
NOTHING_LOADED = frozenset({Linkage.STATIC, Linkage.STATIC_PIE, Linkage.COMPRESSED, Linkage.SCRIPT})


class Opened(NamedTuple):
    """An object that is opened while the program runs: whose program, by what name, for which object."""

    program: int
    name: str
    requester: str


class _Start(NamedTuple):
    """One program's namespace before anything was opened in it."""

    closure: Closure  # of a static program nothing
    errors: frozenset[Problem]
    places: frozenset[
        str
    ]  # directories that something is loaded from; of a static program, by glibc's loader once it is there


class Loading:
    """Sessions of the loader, one a program; a static program has none, and the rules are not even imported for it."""

    def __init__(
        self,
        programs: tuple[Program, ...],
        root: Sysroot,
        env: LoaderEnv,
        problems: tuple[Problem, ...] = (),
        *,
        search: Sysroot | None = None,
    ) -> None:
        """``search`` is the root as the loader is to see it, where that is not all of ``root``."""
        self.programs = programs
        self.root = root
        self._search = search or root
        self.env = env
        self.opened: list[Opened] = []
        self.budget = Budget("these programs and what they load", RUN)
        for _ in programs[1:]:
            self.budget.widen(RUN)
        self._problems = problems
        self._starts: dict[int, _Start] = {}
        self._paths: dict[Opened, str] = {}
        self.views = Views(self.budget)
        self._objects: Objects | None = None
        self._added: list[tuple[str, LoaderSession]] = []
        self.late: dict[int, str] = {}  # number of a static program that opens something -> glibc's loader
        self._sessions = [self._session(program.root, program.path, program.facts) for program in programs]

    def _session(self, root: Sysroot, path: str, facts: ElfFacts, loader: str | None = None) -> LoaderSession | None:
        if facts.linkage in NOTHING_LOADED and loader is None:
            return None
        from scratchpack.loader.objects import Objects
        from scratchpack.loader.resolve import LoaderSession, Placed

        self._objects = self._objects or Objects(self.budget, self.views)
        return LoaderSession(
            Placed(self._search if root is self.root else root, path, loader), self._search, self.env, self._objects
        )

    def _later(self, number: int) -> LoaderSession | None:
        """The namespace of a static program, from the first library that it opens."""
        from scratchpack.loader.late import LOADERS

        program = self.programs[number]
        loader = LOADERS.get(program.facts.machine) if program.facts.linkage in _OPENING else None
        if loader is None or self.root.lookup(loader) is None:
            return None
        self.late[number] = loader
        self._sessions[number] = self._session(program.root, program.path, program.facts, loader)
        return self._sessions[number]

    def program(self, number: int) -> Resolution:
        """One program as a resolution of its own root, whatever of it the loader is to see."""
        return self.of(number).roots[0]._replace(root=self.programs[number].root)

    def of(self, number: int) -> Closure:
        """One program's closure, as far as it was opened."""
        session = self._sessions[number]
        if session is None:
            return Closure((_static(self.programs[number]),), (), (), ())
        return _travelling(session)

    def at_start(self, number: int) -> Closure:
        """One program's closure as it was before anything was opened in its namespace."""
        start = self._starts.get(number)
        return self.of(number) if start is None else start.closure

    def started(self, placed: str) -> tuple[Closure, ...]:
        """The closures of the programs that were added at this path of the image."""
        return tuple(_travelling(session) for path, session in self._added if path == placed)

    @property
    def closure(self) -> Closure:
        """All programs' closures as one."""
        parts = [self.of(number) for number in range(len(self.programs))]
        parts += [_travelling(session) for _, session in self._added]
        if len(parts) == 1 and not self._problems:
            return parts[0]
        from scratchpack.loader.resolve import merge

        merged = merge(parts)
        return merged._replace(problems=(*self._problems, *merged.problems))

    def open(self, number: int, name: str, requester: str) -> Resolution | None:
        """Resolve what a program opens later, in its namespace; ``None`` where it is not found.

        A miss is the caller's to judge: it does not stop the program from starting, so it is no problem of the closure.
        """
        self._note_start(number)
        session = self._sessions[number]
        if session is None:
            return None
        found = session.open(name, requester)
        if found is not None:
            self.opened.append(Opened(number, name, requester))
            self._paths[self.opened[-1]] = found.path
        return found

    def _note_start(self, number: int) -> None:
        """Keep what a program loads at start, before the first thing is opened; a static one gets its namespace now."""
        if number in self._starts:
            return
        closure = before = self.of(number)
        if self._sessions[number] is None and self._later(number) is not None:
            before = self.of(number)
        places = frozenset(posixpath.dirname(item.node.canonical) for item in before.resolved)
        self._starts[number] = _Start(closure, frozenset(before.errors), places)

    def is_place_of(self, number: int, found: Resolution) -> bool:
        """Whether the loader takes something from this directory at start already, by a name and no string."""
        return number in self._starts and posixpath.dirname(found.node.canonical) in self._starts[number].places

    def report(self, problem: Problem) -> None:
        """What stops a program and is no matter of the loader's: it joins the problems of the closure."""
        if problem not in self._problems:
            self._problems = (*self._problems, problem)

    def take_back(self, number: int) -> dict[Opened, Problem]:
        """Undo what one program opened and could not have loaded; each with the problem that stops it.

        ``dlopen`` fails as a whole where a dependency of the library does, and the program goes on without it. What was
        a problem at start stays one.
        """
        lost: dict[Opened, Problem] = {}
        if number not in self._starts:
            return lost  # nothing was opened
        while fresh := [p for p in self.of(number).errors if p not in self._starts[number].errors]:
            edges: dict[str, list[str]] = {}
            for edge in self.of(number).edges:
                edges.setdefault(edge.requester, []).extend([edge.target] if edge.target else [])
            mine = [opened for opened in self.opened if opened.program == number]
            mapped = {opened: reached(self._paths[opened], edges) for opened in mine}
            stopped = {o: p for o in mine for p in fresh if p.requester in mapped[o]}
            if not stopped:
                break
            lost |= stopped
            self._open_again(number, frozenset(stopped))
        return lost

    def forget(self, number: int, name: str, requester: str) -> None:
        """Undo one :meth:`open`, with what it alone had loaded."""
        self._open_again(number, frozenset({Opened(number, name, requester)}))

    def _open_again(self, number: int, without: frozenset[Opened]) -> None:
        """A new namespace for one program, in which all is opened that was, but for these."""
        self.opened = [opened for opened in self.opened if opened not in without]
        program = self.programs[number]
        session = self._session(program.root, program.path, program.facts, self.late.get(number))
        self._sessions[number] = session
        for opened in self.opened:
            if opened.program == number and session is not None:
                session.open(opened.name, opened.requester)

    def add(
        self, root: Sysroot, path: str, facts: ElfFacts, *, placed: str, optional: bool = False
    ) -> tuple[Problem, ...]:
        """Another program, which one of these starts; ``placed`` is its path in the image.

        Returns what would stop it. An ``optional`` one is then not added.
        """
        session = self._session(root, path, facts)
        errors = _travelling(session).errors if session is not None else ()
        if session is not None and not (optional and errors):
            self._added.append((placed, session))
        return errors

    def join(self, program: Program, *, optional: bool = False) -> tuple[Problem, ...]:
        """Another program that travels (``--include``) and is examined as those that were given; it keeps its path.

        Returns what would stop it. An ``optional`` one then does not join.
        """
        self.budget.widen(RUN)
        session = self._session(program.root, program.path, program.facts)
        errors = _travelling(session).errors if session is not None else ()
        if not (optional and errors):
            self.programs = (*self.programs, program)
            self._sessions.append(session)
        return errors

    def settle(self, number: int) -> None:
        """What is a problem of this program now is one for good: ``take_back`` leaves it."""
        if number in self._starts:  # else nothing was opened, and every problem is one of the start
            self._starts[number] = self._starts[number]._replace(errors=frozenset(self.of(number).errors))

    def inside(self, placed: Sequence[str]) -> tuple[str | None, ...]:
        """The paths in the image of everything that has a namespace of its own, in the order of the sessions.

        ``placed`` are those of the programs that were given; what joined later keeps its path.
        """
        paths = (*placed, *(program.path for program in self.programs[len(placed) :]))
        given = (path if session else None for path, session in zip(paths, self._sessions, strict=True))
        return (*given, *(path for path, _ in self._added))


def reached(path: str, edges: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The paths of everything that an object asks for, itself among them."""
    found, left = {path}, [path]
    while left:
        fresh = [target for target in edges.get(left.pop(), ()) if target not in found]
        found.update(fresh)
        left += fresh
    return frozenset(found)


def _travelling(session: LoaderSession) -> Closure:
    """A closure, without what the container runtime brings (N23)."""
    from scratchpack.needs.system.driver import without

    return without(session.closure)


def _static(program: Program) -> Resolution:
    return Resolution(program.path, program.path, program.node, program.root, FoundBy.ROOT, "", program.facts)
