"""The closures of the report: one of what the loader maps at start, and one of what each need makes it map later.

The loading of a run and the results of its needs go in. Out come the same results, each with its own closure, and the closure
of the start. What is mapped at start is in no need's closure. What belongs to no need (files of ``--include``, a problem
that no library of a need caused) stays in that of the start, so that together they are the whole of the loading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.pipeline.loading import reached

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scratchpack.loader.model import Closure
    from scratchpack.needs.base import ElfRoot, NeedResult
    from scratchpack.pipeline.loading import Loading
    from scratchpack.pipeline.model import Program

_COMMANDS = "commands"  # the need of a script whose programs are resolved like those that were named


def with_closures(
    needs: tuple[NeedResult, ...],
    loading: Loading,
    opened: Mapping[ElfRoot, Iterable[tuple[int, str]]],
    started: Mapping[ElfRoot, str],
) -> tuple[NeedResult, ...]:
    """The results with what each need has the loader map.

    ``opened`` has (program, path) of every object that was found, ``started`` the path of every program that one of
    these starts.
    """
    own = _own(loading.programs)
    others = [number for number in range(len(loading.programs)) if number not in own]
    if not (opened or started or others):
        return needs  # and the rules of the loader stay unread, as for a static program
    from scratchpack.loader.resolve import merge

    start = _start(loading)
    results = []
    for need in needs:
        found: dict[int, set[str]] = {}
        parts = []
        for root in need.elf_roots:
            for number, path in opened.get(root, ()):
                found.setdefault(number, set()).add(path)
            parts += [_added(closure, start) for closure in loading.started(started.get(root, ""))]
        parts += [_opened(loading, number, paths, start) for number, paths in sorted(found.items())]
        if need.name == _COMMANDS:
            parts += [_added(loading.at_start(number), start) for number in others]
        results.append(need._replace(closure=merge(parts)) if parts else need)
    return tuple(results)


def at_start(loading: Loading, needs: Iterable[NeedResult]) -> Closure:
    """All of the run, less what stands in the closures of the needs."""
    whole = loading.closure
    parts = [need.closure for need in needs if need.closure is not None]
    if not parts:
        return whole
    from scratchpack.loader.resolve import merge

    later = merge(parts)
    roots, paths = set(later.roots), {found.path for found in later.resolved}
    first = set(_start(loading).roots)
    edges, problems, aliases = set(later.edges), set(later.problems), set(later.aliases)
    return whole._replace(
        roots=tuple(root for root in whole.roots if root in first or root not in roots),
        resolved=tuple(found for found in whole.resolved if found.path not in paths),
        edges=tuple(edge for edge in whole.edges if edge not in edges),
        problems=tuple(problem for problem in whole.problems if problem not in problems),
        aliases=tuple(alias for alias in whole.aliases if alias not in aliases),
    )


def _own(programs: tuple[Program, ...]) -> frozenset[int]:
    """The numbers of the programs that were named, and of the interpreters that start them."""
    named = {program.given for program in programs if not program.asked_by}
    return frozenset(
        number
        for number, program in enumerate(programs)
        if not program.asked_by or (program.asked_for == "#!" and program.asked_by in named)
    )


def _start(loading: Loading) -> Closure:
    from scratchpack.loader.resolve import merge

    return merge(loading.at_start(number) for number in sorted(_own(loading.programs)))


def _added(closure: Closure, start: Closure) -> Closure:
    """What another program's closure has beyond that of the start."""
    known = {found.path for found in (*start.roots, *start.resolved)}
    edges, problems = set(start.edges), set(start.problems)
    return closure._replace(
        resolved=tuple(found for found in closure.resolved if found.path not in known),
        edges=tuple(edge for edge in closure.edges if edge not in edges),
        problems=tuple(problem for problem in closure.problems if problem not in problems),
    )


def _opened(loading: Loading, number: int, paths: set[str], start: Closure) -> Closure:
    """Of one program's namespace, what these objects had the loader map that it had not mapped at start."""
    before = loading.at_start(number)
    whole = _added(_added(loading.of(number), before), start)
    first = paths | ({loading.late[number]} if number in loading.late else set())
    asks: dict[str, list[str]] = {}
    for edge in whole.edges:
        asks.setdefault(edge.requester, []).extend([edge.target] if edge.target else [])
    mapped = {found.path for found in whole.resolved}
    mine = {path for root in first for path in reached(root, asks)} & mapped
    return whole._replace(
        resolved=tuple(found for found in whole.resolved if found.path in mine),
        edges=tuple(edge for edge in whole.edges if edge.requester in mine or edge.target in first),
        problems=tuple(problem for problem in whole.problems if problem.requester in mine),
        aliases=tuple(alias for alias in whole.aliases if alias.requested_by in mine),
        extra=(),
    )
