"""From programs to the closure of everything their loader maps at start."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scratchpack.errors import ConfinementError, InputError
from scratchpack.loader.candidates import Wanted
from scratchpack.loader.foreign import foreign_root
from scratchpack.loader.hwcaps import HWCAPS_DIR, Processor, processors
from scratchpack.loader.model import Closure, Edge, FoundBy, LoaderEnv, Problem, Resolution, Variant
from scratchpack.loader.objects import Objects
from scratchpack.loader.process import Process
from scratchpack.loader.search import Found, Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scratchpack.elf.model import ElfFacts
    from scratchpack.loader.defaults import Defaults
    from scratchpack.sysroot.model import Sysroot


class Placed(NamedTuple):
    """A program, in the root it stands in, by the absolute path that the loader would see.

    ``interpreter`` is only for a shared object without PT_INTERP that is to be resolved as if it were a program.
    """

    root: Sysroot
    path: str
    interpreter: str | None = None


class _Start(NamedTuple):
    """A program and its interpreter, found."""

    program: Found
    facts: ElfFacts
    interpreter: Found
    interpreter_facts: ElfFacts
    spelled: str  # PT_INTERP as written
    defaults: Defaults


class LoaderSession:
    """One program with its namespace, kept so that objects it opens later can join (R20).

    Raises:
        InputError: the program itself is not there or cannot be read.
    """

    def __init__(self, program: Placed, root: Sysroot, env: LoaderEnv, objects: Objects) -> None:
        self._root, self._env, self._objects = root, env, objects
        self._problems: list[Problem] = []
        self._program, self._facts = _program(program, objects)
        self.processes: list[Process] = []
        start = self._interpreter(program)
        if start is not None:
            self.processes = self._start(start)

    @property
    def closure(self) -> Closure:
        """What was found so far, for every kind of processor that the image may meet."""
        if not self.processes:
            return Closure((self._root_resolution(),), (), (), tuple(self._problems))
        base, *others = (process.closure() for process in self.processes)
        for other, process in zip(others, self.processes[1:], strict=True):
            base = _without_baseline(base, other, process.around.processor.level, self._env.cpu)
            base = _with_variants(base, other, process.around.processor)
        return base._replace(problems=(*self._problems, *base.problems))

    def on(self, level: str) -> Closure:
        """The closure on processors of one level alone, exactly as their loader lists it; the baseline's if it has none."""
        process = next((p for p in self.processes if p.around.processor.level == level), None)
        return process.closure() if process else self.processes[0].closure() if self.processes else self.closure

    def open(self, name: str, requester: str | None = None) -> Resolution | None:
        """Add what ``dlopen(name)`` maps when the loaded object at path ``requester`` (the program, if none) calls it.

        Returns the object, without its variants, or ``None`` where it is not found: the closure is then what it was.
        """
        first = None
        for process in self.processes:
            caller = next((o for o in process.objects() if o.path == requester), process.program)
            loaded = process.open(name, caller)
            if first is None and loaded is not None:
                first = process.resolution(loaded)
        return first

    def _root_resolution(self) -> Resolution:
        found = self._program
        return Resolution(found.path, found.path, found.node, found.root, FoundBy.ROOT, "", self._facts)

    def _interpreter(self, program: Placed) -> _Start | None:
        spelled = self._facts.interpreter or program.interpreter
        if spelled is None:
            return None
        try:
            node = self._objects.lookup(self._root, spelled, self._env.working_dir)  # R16
            why = "it is not there" if node is None else "" if node.kind == "file" else f"it is a {node.kind}"
        except ConfinementError as error:
            node, why = None, error.message
        if node is None or why:
            foreign = foreign_root(self._root, self._objects, self._facts.machine)
            self._interp_problem(spelled, f"{why}: {foreign or 'the kernel reports the program itself as missing'}")
            return None
        try:
            facts = self._objects.facts(self._root, node)
            defaults = self._objects.defaults(self._root, node)
        except InputError as error:
            self._interp_problem(spelled, error.message)
            return None
        if Wanted.of(facts)[:3] != Wanted.of(self._facts)[:3]:
            self._interp_problem(spelled, f"it is for {facts.machine}, the program for {self._facts.machine}")
            return None
        if not node.mode & 0o111:
            self._interp_problem(
                spelled, f"mode {node.mode:04o} is not executable, which the kernel refuses", severity="warning"
            )
        if defaults.libc is None:
            self._interp_problem(spelled, "neither glibc's loader nor musl's: its rules are not known (R30)")
            return None
        found = Found(spelled, node, self._root, FoundBy.INTERP, by_origin=False)
        return _Start(self._program, self._facts, found, facts, spelled, defaults)

    def _interp_problem(self, spelled: str, why: str, *, severity: str = "error") -> None:
        self._problems.append(Problem("interp", severity, self._program.path, spelled, why))

    def _start(self, start: _Start) -> list[Process]:
        machine = self._facts.machine
        known = processors(machine, start.defaults.release, start.defaults.hwcaps, self._env.cpu)
        seen: set[str] = set()
        base = self._process(start, known[0], seen)
        others = (p for p in known[1:] if seen & {p.level, *(() if self._env.cpu == "all" else p.hwcaps)})
        return [base, *(self._process(start, processor, seen) for processor in others)]

    def _process(self, start: _Start, processor: Processor, seen: set[str]) -> Process:
        around = Surroundings(
            self._root, self._env, self._objects, Wanted.of(start.interpreter_facts), self._facts.machine,
            start.defaults, processor, start.spelled, seen,
        )  # fmt: skip
        process = Process(start.program, start.facts, start.interpreter, start.interpreter_facts, around)
        process.start()
        return process


def _program(program: Placed, objects: Objects) -> tuple[Found, ElfFacts]:
    node = objects.lookup(program.root, program.path)
    if node is None:
        raise InputError(f"cannot resolve {program.path}: it is not there in {program.root.name}")
    found = Found(program.path, node, program.root, FoundBy.ROOT, by_origin=False)
    return found, objects.facts(program.root, node)


def _without_baseline(base: Closure, other: Closure, level: str, cpu: str) -> Closure:
    """What the baseline misses and another processor finds: a warning that names its level, nothing with ``--cpu`` (R9)."""
    missed = {(p.requester, p.name) for p in other.problems}
    found = {(p.requester, p.name) for p in base.errors if p.kind == "missing"} - missed
    if not found:
        return base
    detail = f"there is one for {level} processors and better alone: on others the program does not start"
    problems = tuple(
        p if p.kind != "missing" or (p.requester, p.name) not in found else Problem("cpu", "warning", *p[2:4], detail)
        for p in base.problems
        if cpu != level or p.kind != "missing" or (p.requester, p.name) not in found
    )
    edges = tuple(e for e in base.edges if e.target is not None or (e.requester, e.name) not in found)
    return base._replace(problems=problems, edges=edges)


def _with_variants(base: Closure, other: Closure, processor: Processor) -> Closure:
    """Add what another kind of processor loads: variants of the same request, and whatever those need besides (R9)."""
    known = {(id(r.root), r.path) for r in base.resolved}
    by_name = {r.soname: at for at, r in enumerate(base.resolved)}
    resolved = list(base.resolved)
    for resolution in other.resolved:
        if (id(resolution.root), resolution.path) in known:
            continue
        at = by_name.get(resolution.soname)
        if at is None:
            resolved.append(resolution)
            continue
        level = next(
            (name for name in processor.hwcaps if f"/{HWCAPS_DIR}/{name}/" in resolution.path), processor.level
        )
        variant = Variant(level, resolution.path, resolution.node, resolution.facts)
        if all(v.path != variant.path for v in resolved[at].variants):
            resolved[at] = resolved[at]._replace(variants=(*resolved[at].variants, variant))
    problems = [
        p._replace(detail=f"{p.detail} (on {processor.level} processors)")
        for p in other.problems
        if p not in base.problems
    ]
    return base._replace(
        resolved=tuple(resolved),
        edges=_union(base.edges, other.edges),
        aliases=tuple(dict.fromkeys((*base.aliases, *other.aliases))),
        problems=(*base.problems, *problems),
    )


def _union(*parts: Iterable[Edge]) -> tuple[Edge, ...]:
    return tuple(dict.fromkeys(edge for part in parts for edge in part))


def merge(closures: Iterable[Closure]) -> Closure:
    """One closure for a report: each program was resolved in a namespace of its own, nothing is shared between them."""
    parts = tuple(closures)
    resolved: dict[tuple[int, str], Resolution] = {}
    for part in parts:
        for resolution in part.resolved:
            key = (id(resolution.root), resolution.path)
            known = resolved.get(key)
            if known is None:
                resolved[key] = resolution
            else:
                more = tuple(v for v in resolution.variants if all(v.path != k.path for k in known.variants))
                resolved[key] = known._replace(variants=known.variants + more)
    libcs = dict.fromkeys(part.libc for part in parts if part.libc)
    return Closure(
        tuple(dict.fromkeys(root for part in parts for root in part.roots)),
        tuple(resolved.values()),
        _union(*(part.edges for part in parts)),
        tuple(dict.fromkeys(problem for part in parts for problem in part.problems)),
        next(iter(libcs), None),
        tuple(dict.fromkeys(node for part in parts for node in part.extra)),
        tuple(dict.fromkeys(alias for part in parts for alias in part.aliases)),
    )


def resolve(programs: Sequence[Placed], root: Sysroot, env: LoaderEnv, objects: Objects | None = None) -> Closure:
    """The closure of some programs, each in a process of its own.

    Args:
        programs: ELF programs (or shared objects with an interpreter given); a static one has an empty closure.
        root: where the interpreter and the libraries are looked for. What ``$ORIGIN`` leads to is looked for in the
            root of the object that says so.
        env: what the image's configuration tells the loader (R29).
        objects: the facts cache of the run.

    Raises:
        InputError: a program is not there, or is not one.
    """
    shared = objects or Objects()
    return merge(LoaderSession(program, root, env, shared).closure for program in programs)
