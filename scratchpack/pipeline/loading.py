"""The closures of one run: a namespace a program, what is opened later joins it, all merged for the report (R20)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.elf.budget import RUN, Budget
from scratchpack.elf.model import Linkage
from scratchpack.elf.views import Views
from scratchpack.loader.model import Closure, FoundBy, Resolution
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scratchpack.elf.model import ElfFacts
    from scratchpack.loader.model import LoaderEnv, Problem
    from scratchpack.loader.objects import Objects
    from scratchpack.loader.resolve import Session
    from scratchpack.pipeline.model import Program
    from scratchpack.sysroot.model import Sysroot

_OPENING = frozenset({Linkage.STATIC, Linkage.STATIC_PIE})  # of these, glibc's can open libraries all the same (N41)
NOTHING_LOADED = frozenset({Linkage.STATIC, Linkage.STATIC_PIE, Linkage.COMPRESSED, Linkage.SCRIPT})


class Opened(NamedTuple):
    """An object that is opened while the program runs: whose program, by what name, for which object."""

    program: int
    name: str
    requester: str


class Loading:
    """Sessions of the loader, one a program; a static program has none, and the rules are not even imported for it."""

    def __init__(
        self, programs: tuple[Program, ...], root: Sysroot, env: LoaderEnv, problems: tuple[Problem, ...] = ()
    ) -> None:
        self.programs = programs
        self.root = root
        self.env = env
        self.opened: list[Opened] = []
        self.budget = Budget("these programs and what they load", RUN)
        self._problems = problems
        self.views = Views(self.budget)
        self._objects: Objects | None = None
        self._added: list[tuple[str, Session]] = []
        self.late: dict[int, str] = {}  # number of a static program that opens something -> glibc's loader
        self._sessions = [self._session(program.root, program.path, program.facts) for program in programs]

    def _session(self, root: Sysroot, path: str, facts: ElfFacts, loader: str | None = None) -> Session | None:
        if facts.linkage in NOTHING_LOADED and loader is None:
            return None
        from scratchpack.loader.objects import Objects
        from scratchpack.loader.resolve import Placed, Session

        self._objects = self._objects or Objects(self.budget, self.views)
        return Session(Placed(root, path, loader), self.root, self.env, self._objects)

    def _later(self, number: int) -> Session | None:
        """The namespace of a static program, from the first library that it opens."""
        from scratchpack.loader.late import LOADERS

        program = self.programs[number]
        loader = LOADERS.get(program.facts.machine) if program.facts.linkage in _OPENING else None
        if loader is None or self.root.lookup(loader) is None:
            return None
        self.late[number] = loader
        self._sessions[number] = self._session(program.root, program.path, program.facts, loader)
        return self._sessions[number]

    def of(self, number: int) -> Closure:
        """One program's closure, as far as it was opened."""
        session = self._sessions[number]
        if session is None:
            return Closure((_static(self.programs[number]),), (), (), ())
        return _travelling(session)

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
        session = self._sessions[number] or self._later(number)
        if session is None:
            return None
        found = session.open(name, requester)
        if found is not None:
            self.opened.append(Opened(number, name, requester))
        return found

    def add(self, root: Sysroot, path: str, facts: ElfFacts, *, placed: str) -> None:
        """Another program that travels (``--include``), started by itself; ``placed`` is its path in the image."""
        session = self._session(root, path, facts)
        if session is not None:
            self._added.append((placed, session))

    def inside(self, placed: Sequence[str]) -> tuple[str | None, ...]:
        """The paths in the image of everything that has a namespace of its own, in the order of the sessions."""
        given = (path if session else None for path, session in zip(placed, self._sessions, strict=True))
        return (*given, *(path for path, _ in self._added))


def _travelling(session: Session) -> Closure:
    """A closure, without what the container runtime brings (N23)."""
    from scratchpack.needs.system.driver import without

    return without(session.closure)


def _static(program: Program) -> Resolution:
    return Resolution(program.path, program.path, program.node, program.root, FoundBy.ROOT, "", program.facts)
