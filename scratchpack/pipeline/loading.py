"""The closures of one run: a namespace a program, what is opened later joins it, all merged for the report (R20)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scratchpack.elf.model import Linkage
from scratchpack.loader.model import Closure, FoundBy, Resolution

if TYPE_CHECKING:
    from scratchpack.loader.model import LoaderEnv
    from scratchpack.loader.resolve import Session
    from scratchpack.pipeline.model import Program
    from scratchpack.sysroot.model import Sysroot

NOTHING_LOADED = frozenset({Linkage.STATIC, Linkage.STATIC_PIE, Linkage.COMPRESSED})


class Opened(NamedTuple):
    """An object that is opened while the program runs: whose program, by what name, for which object."""

    program: int
    name: str
    requester: str


class Loading:
    """Sessions of the loader, one a program; a static program has none, and the rules are not even imported for it."""

    def __init__(self, programs: tuple[Program, ...], root: Sysroot, env: LoaderEnv) -> None:
        self.programs = programs
        self.root = root
        self.env = env
        self.opened: list[Opened] = []
        self._sessions: list[Session | None] = []
        if all(program.facts.linkage in NOTHING_LOADED for program in programs):
            self._sessions = [None for _ in programs]
            return
        from scratchpack.loader.objects import Objects
        from scratchpack.loader.resolve import Placed, Session

        objects = Objects()
        for program in programs:
            static = program.facts.linkage in NOTHING_LOADED
            self._sessions.append(None if static else Session(Placed(program.root, program.path), root, env, objects))

    def of(self, number: int) -> Closure:
        """One program's closure, as far as it was opened."""
        session = self._sessions[number]
        return Closure((_static(self.programs[number]),), (), (), ()) if session is None else session.closure

    @property
    def closure(self) -> Closure:
        """All programs' closures as one."""
        if len(self.programs) == 1:
            return self.of(0)
        if not any(self._sessions):
            return Closure(tuple(_static(program) for program in self.programs), (), (), ())
        from scratchpack.loader.resolve import merge

        return merge(self.of(number) for number in range(len(self.programs)))

    def open(self, number: int, name: str, requester: str) -> Resolution | None:
        """Resolve what a program opens later, in its namespace; ``None`` where it is not found."""
        session = self._sessions[number]
        if session is None:
            return None
        found = session.open(name, requester)
        if found is not None:
            self.opened.append(Opened(number, name, requester))
        return found


def _static(program: Program) -> Resolution:
    return Resolution(program.path, program.path, program.node, program.root, FoundBy.ROOT, "", program.facts)
