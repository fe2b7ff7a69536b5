"""One program's process, as it grows: the breadth-first walk over requests (R1), for one kind of processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.loader.glibc import Glibc
from scratchpack.loader.model import Closure, Edge, FoundBy, Problem, Resolution, Searched
from scratchpack.loader.musl import Musl
from scratchpack.loader.search import FatalCandidateError, Found, Loaded, Surroundings
from scratchpack.loader.versions import check_build, check_processor, check_symbols, check_versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.elf.model import ElfFacts

MAX_OBJECTS = 8192  # S4: a program that asks for more is not resolved
MAX_AUDITORS = 14  # glibc has 16 namespaces (DL_NNS): the program has one, and one stays for dlmopen
_EDGE = 250  # bytes of one request that is remembered


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
        self.program = Loaded(program, facts, program.path, None)
        self.interpreter = Loaded(interpreter, interpreter_facts, around.interpreter, self.program)
        self.edges: dict[Edge, None] = {}
        self.problems: dict[Problem, None] = {}
        self.aliases: dict[Resolution, None] = {}
        self.rules = self._rules()
        self._first = self._last = _Cell(self.program)
        self._listed = {id(self.program)}
        self._auditors: list[_Namespace] = []
        self._checked: tuple[int, tuple[Problem, ...]] = (0, ())

    def _rules(self) -> Glibc | Musl:
        own = self.program.node.canonical.rpartition("/")[0] or "/"  # R6: the kernel resolved the program's links
        musl = self.around.defaults.libc == "musl"
        rules: Glibc | Musl = Musl(self.around, own) if musl else Glibc(self.around, own)
        rules.add(self.program, self.program.path, program=True)
        rules.add(self.interpreter, self.around.interpreter)
        return rules

    def start(self) -> None:
        """Auditors, each in a namespace of its own; then what is preloaded; then the walk (R14)."""
        self.edges[Edge(self.program.path, self.around.interpreter, "interp", self.interpreter.path)] = None
        for name, written_in in self.rules.audits():
            if len(self._auditors) == MAX_AUDITORS:
                detail = f"the loader has no namespace left for this auditor (named in {written_in})"
                self.problems[Problem("missing", "warning", self.program.path, name, detail)] = None
                continue
            namespace = _Namespace(self)
            if namespace.load(name, written_in):
                self._auditors.append(namespace)
        for name, written_in in self.rules.preloads():
            loaded = self._request(name, self.program, "preload", written_in=written_in)
            if loaded is not None:
                self._append(loaded)
        self.walk()

    def open(self, name: str, requester: Loaded) -> Loaded | None:
        """What ``dlopen`` of a name maps, called by an object that is loaded already (R20).

        A miss leaves no trace here: it stops nothing that runs, and what stopped the start stays as it was.
        """
        if self.rules.musl:
            requester = self.program  # R19: musl searches for the main program, whoever calls
        loaded = self._request(name, requester, "needed", opened=True)
        if loaded is not None:
            self._append(loaded)
            self.walk()
        return loaded

    def objects(self) -> tuple[Loaded, ...]:
        """Everything loaded, in order, the program first; the interpreter last where nobody asked for it."""
        found = [cell.loaded for cell in self._cells()]
        if id(self.interpreter) not in self._listed:
            found.append(self.interpreter)
        known = {each.path for each in found}
        for namespace in self._auditors:
            found += [each for each in namespace.objects() if each.path not in known]
            known |= {each.path for each in found}
        return tuple(found)

    def _cells(self) -> Iterator[_Cell]:
        cell: _Cell | None = self._first
        while cell is not None:
            yield cell
            cell = cell.next

    def closure(self) -> Closure:
        """What was found so far, as values."""
        loaded = self.objects()
        if self._checked[0] != len(loaded):
            self._checked = len(loaded), tuple(self._check(loaded))
        first, *rest = (self.resolution(each) for each in loaded)
        return Closure(
            (first,), tuple(rest), tuple(self.edges), (*self.problems, *self._checked[1]), self.around.defaults.libc,
            tuple(self.rules.read), tuple(self.aliases),
        )  # fmt: skip

    def _check(self, loaded: tuple[Loaded, ...]) -> Iterator[Problem]:
        """What the loader checks, or what depends on the machine it runs on, once everything is there."""
        around = self.around
        if self.rules.musl:
            if not any(problem.severity == "error" for problem in self.problems):
                yield from check_symbols(loaded, around.objects)
        else:
            yield from check_versions(
                [cell.loaded for cell in self._cells()], self.rules.match, around.defaults.release, around.objects
            )
            libc = next((each for each in loaded if each.facts.soname == "libc.so.6"), None)
            yield from check_build(self.interpreter, libc, around.objects)
        if around.machine == "x86_64":
            yield from check_processor(loaded, around.objects, around.processor.level)
        yield from self._check_surroundings(loaded)

    def _check_surroundings(self, loaded: tuple[Loaded, ...]) -> Iterator[Problem]:
        for each in loaded:
            if not each.path.startswith("/"):  # R7, R21
                detail = f"{each.path} is relative: it is found only where the program starts in {self.around.env.working_dir}"
                yield Problem("ambiguous", "warning", each.requested_by, each.asked, detail)
        if isinstance(self.rules, Glibc) and self.rules.by_platform:
            detail = f"$PLATFORM differs from one processor to another: {self.around.processor.platform!r} was taken"
            yield Problem("ambiguous", "warning", self.program.path, "$PLATFORM", detail)  # R6

    def resolution(self, loaded: Loaded) -> Resolution:
        """One object as a value."""
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
            else:
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
            self.around.objects.budget.step()
            if at.next.loaded is loaded:
                if self._last is at.next:
                    self._last = at
                at.next = at.next.next
                return True
            at = at.next
        return False

    def _request(
        self, text: str, requester: Loaded, kind: str, *, written_in: str = "", opened: bool = False
    ) -> Loaded | None:
        rules = self.rules
        self.around.objects.budget.step(4)
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
        if loaded is None and opened:
            return None
        self.around.objects.budget.keep(_EDGE)
        self.edges[Edge(requester.path, text, kind, loaded.path if loaded else None)] = None
        if loaded is None:
            self._miss(text, requester, kind, tuple(trail), fatal=fatal, written_in=written_in)
        return loaded

    def _load(self, name: str, requester: Loaded, trail: list[Searched], kind: str) -> Loaded | None:
        found = self.rules.find(name, requester, trail)
        if found is None:
            return None
        if kind in ("preload", "audit"):
            found = found._replace(found_by=FoundBy(kind))
        known = self.rules.same(found, name)
        if known is not None:
            self._alias(found, name, requester, known)
            return known
        if len(self._listed) >= MAX_OBJECTS:
            raise FatalCandidateError(f"more than {MAX_OBJECTS} objects")
        facts = self.around.load(found, trail, musl=self.rules.musl)
        other = self.rules.substitute(found)
        if other is not None:
            self._alias(found, name, requester, other)
            return other
        loaded = Loaded(found, facts, name, requester)
        self.rules.add(loaded, name)
        return loaded

    def _alias(self, found: Found, name: str, requester: Loaded, known: Loaded) -> None:
        """The name leads to a file that is loaded already; without the name the image's loader would miss it (R2)."""
        if (found.root, found.path) != (known.root, known.path):
            alias = Resolution(
                name, found.path, found.node, found.root, FoundBy.LOADED, requester.path, known.facts,
                by_origin=found.by_origin,
            )  # fmt: skip
            self.aliases[alias] = None

    def _miss(
        self, name: str, requester: Loaded, kind: str, trail: tuple[Searched, ...], *, fatal: str, written_in: str
    ) -> None:
        severity = "error"
        optional = kind in ("auxiliary", "preload", "audit")
        if fatal:
            problem, detail = "fatal-candidate", f"{trail[-1].path}: {fatal}" if trail else fatal
            severity = "warning" if optional else "error"
        elif optional:  # R13, R14: said, and never fatal
            problem, severity, detail = "missing", "warning", "it is optional, and the program starts without it"
        else:
            problem, detail = "missing", "not found where the loader looks"
        if written_in:
            detail += f" (named in {written_in})"
        self.problems[Problem(problem, severity, requester.path, name, detail, trail)] = None


class _Namespace(Process):
    """The objects of one auditor: apart from the program's, but for the loader, of which there is one (R14)."""

    def __init__(self, process: Process) -> None:
        super().__init__(
            _found(process.program), process.program.facts, _found(process.interpreter), process.interpreter.facts,
            process.around,
        )  # fmt: skip
        self.program, self.interpreter = process.program, process.interpreter
        self.edges, self.problems, self.aliases = process.edges, process.problems, process.aliases
        self.rules = self._rules()

    def load(self, name: str, written_in: str) -> bool:
        """Load an auditor, searched as if the program asked for it."""
        loaded = self._request(name, self.program, "audit", written_in=written_in)
        if loaded is None:
            return False
        self._first = self._last = _Cell(loaded)
        self._listed = {id(loaded), id(self.interpreter)}
        self.walk()
        return True


def _found(loaded: Loaded) -> Found:
    return Found(loaded.path, loaded.node, loaded.root, loaded.found_by, loaded.by_origin)
