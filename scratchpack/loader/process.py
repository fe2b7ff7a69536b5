"""One program's process, as it grows: the breadth-first walk over requests (R1), for one kind of processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.loader.glibc import Glibc
from scratchpack.loader.model import Closure, Edge, FoundBy, Problem, Resolution, Searched
from scratchpack.loader.musl import Musl
from scratchpack.loader.search import FatalCandidateError, Found, Loaded, Surroundings

if TYPE_CHECKING:
    from scratchpack.elf.model import ElfFacts

MAX_OBJECTS = 8192  # S4: a program that asks for more is not resolved


class _Cell:
    """A place in the list that is walked: an auxiliary object takes the place before the one that asked (R13)."""

    __slots__ = ("done", "loaded", "next")

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.done = False
        self.next: _Cell | None = None


class Process:
    """What one process maps, in order. The program and the interpreter were found by the caller."""

    def __init__(
        self, program: Found, facts: ElfFacts, interpreter: Found, interpreter_facts: ElfFacts, around: Surroundings
    ) -> None:
        self.around = around
        musl = around.defaults.libc == "musl"
        own = program.node.canonical.rpartition("/")[0] or "/"  # R6: the kernel resolved the program's links
        self.rules: Glibc | Musl = Musl(around, own) if musl else Glibc(around, own)
        self.program = Loaded(program, facts, program.path, None)
        self.interpreter = Loaded(interpreter, interpreter_facts, around.interpreter, self.program)
        self.edges: dict[Edge, None] = {}
        self.problems: dict[Problem, None] = {}
        self.rules.add(self.program, program.path, program=True)
        self.rules.add(self.interpreter, around.interpreter)
        self._first = self._last = _Cell(self.program)
        self._listed = {id(self.program)}
        self.edges[Edge(program.path, around.interpreter, "interp", interpreter.path)] = None

    def start(self) -> None:
        """Load what is preloaded, then walk."""
        for name, written_in in self.rules.preloads():
            loaded = self._request(name, self.program, "preload", written_in=written_in)
            if loaded is not None:
                self._append(loaded)
        self.walk()

    def open(self, name: str, requester: Loaded) -> Loaded | None:
        """What ``dlopen`` of a name maps, called by an object that is loaded already (R20)."""
        if self.rules.musl:
            requester = self.program  # R19: musl searches for the main program, whoever calls
        loaded = self._request(name, requester, "needed")
        if loaded is not None:
            self._append(loaded)
            self.walk()
        return loaded

    def objects(self) -> tuple[Loaded, ...]:
        """Everything loaded, in order, the program first; the interpreter last where nobody asked for it."""
        found = []
        cell: _Cell | None = self._first
        while cell is not None:
            found.append(cell.loaded)
            cell = cell.next
        if id(self.interpreter) not in self._listed:
            found.append(self.interpreter)
        return tuple(found)

    def closure(self) -> Closure:
        """What was found so far, as values."""
        first, *rest = (self._resolution(loaded) for loaded in self.objects())
        path_file = self.rules.path_file if isinstance(self.rules, Musl) else None
        return Closure(
            (first,), tuple(rest), tuple(self.edges), tuple(self.problems), self.around.defaults.libc,
            (path_file,) if path_file else (),
        )  # fmt: skip

    def _resolution(self, loaded: Loaded) -> Resolution:
        return Resolution(
            loaded.asked, loaded.path, loaded.node, loaded.root, loaded.found_by, loaded.requested_by, loaded.facts,
            by_origin=loaded.by_origin,
        )  # fmt: skip

    def _append(self, loaded: Loaded) -> None:
        if id(loaded) not in self._listed:
            self._listed.add(id(loaded))
            self._last.next = _Cell(loaded)
            self._last = self._last.next

    def walk(self) -> None:
        """Scan every listed object's requests in file order until nothing new comes (R1)."""
        cell: _Cell | None = self._first
        while cell is not None:
            if cell.done:
                cell = cell.next
                continue
            self._scan(cell)

    def _scan(self, cell: _Cell) -> None:
        requester = cell.loaded
        cell.done = True
        insert = cell
        for request in requester.facts.requests:
            if request.kind != "needed" and self.rules.musl:
                continue  # R13: musl has neither
            loaded = self._request(request.name, requester, request.kind)
            if loaded is None:
                continue
            if request.kind == "needed":
                self._append(loaded)
            else:
                insert = self._insert_before(insert, loaded)

    def _insert_before(self, cell: _Cell, loaded: Loaded) -> _Cell:
        """Put a filtee before the object that asked for it; one that stands earlier stays (R13)."""
        if id(loaded) in self._listed and not self._remove_after(cell, loaded):
            return cell
        self._listed.add(id(loaded))
        moved = _Cell(cell.loaded)
        moved.done, moved.next = cell.done, cell.next
        cell.loaded, cell.done, cell.next = loaded, False, moved
        if self._last is cell:
            self._last = moved
        return moved

    def _remove_after(self, cell: _Cell, loaded: Loaded) -> bool:
        at = cell
        while at.next is not None:
            if at.next.loaded is loaded:
                if self._last is at.next:
                    self._last = at
                at.next = at.next.next
                return True
            at = at.next
        return False

    def _request(self, text: str, requester: Loaded, kind: str, *, written_in: str = "") -> Loaded | None:
        rules = self.rules
        name = rules.name(text, requester)
        trail: list[Searched] = []
        loaded = None
        fatal = ""
        if name is not None:
            loaded = rules.match(name)
            if loaded is None:
                try:
                    loaded = self._load(name, requester, trail, kind)
                except FatalCandidateError as error:
                    fatal = str(error)
        self.edges[Edge(requester.path, text, kind, loaded.path if loaded else None)] = None
        if loaded is None:
            self._miss(text, requester, kind, tuple(trail), fatal=fatal, written_in=written_in)
        return loaded

    def _load(self, name: str, requester: Loaded, trail: list[Searched], kind: str) -> Loaded | None:
        found = self.rules.find(name, requester, trail)
        if found is None:
            return None
        if kind == "preload":
            found = found._replace(found_by=FoundBy.PRELOAD)
        known = self.rules.same(found, name)
        if known is not None:
            return known
        if len(self._listed) >= MAX_OBJECTS:
            raise FatalCandidateError(f"more than {MAX_OBJECTS} objects")
        facts = self.around.load(found, trail, musl=self.rules.musl)
        loaded = Loaded(found, facts, name, requester)
        self.rules.add(loaded, name)
        return loaded

    def _miss(
        self, name: str, requester: Loaded, kind: str, trail: tuple[Searched, ...], *, fatal: str, written_in: str
    ) -> None:
        severity = "error"
        if fatal:
            problem, detail = "fatal-candidate", f"{trail[-1].path}: {fatal}" if trail else fatal
            severity = "warning" if kind in ("auxiliary", "preload") else "error"
        elif kind in ("auxiliary", "preload"):  # R13, R14: said, and never fatal
            problem, severity, detail = "missing", "warning", "it is optional, and the program starts without it"
        else:
            problem, detail = "missing", "not found where the loader looks"
        if written_in:
            detail += f" (named in {written_in})"
        self.problems[Problem(problem, severity, requester.path, name, detail, trail)] = None
