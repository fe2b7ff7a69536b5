"""One pass for all needs over the program and its libraries: which needs are worth examining, and what was seen.

Cheap things first: a need's libraries are scanned for strings only once something else of that need was seen, and a
Go program, whose strings name everything its runtime library might open, is judged by its function table instead.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.needs import places
from scratchpack.needs.base import CODE, IMPORTERS, PROGRAM, A, B, C, Seen, Subject, matches
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from scratchpack.elf.model import Note
    from scratchpack.loader.model import Closure, Resolution
    from scratchpack.needs.base import View, Wants

# N41: its dlopen where that is linked in, whether it is called or not; else the variables that its start-up forgets
_STATIC_GLIBC = ("glibc-ld.so.cache", "GCONV_PATH")
_LARGE = 16 << 20  # bytes; a library above (LLVM) costs more to search than a list of candidates is worth
_BANNER = "GNU C Library"  # "GNU C Library (Debian GLIBC 2.36-9+deb12u10) stable release version 2.36."


class Look(NamedTuple):
    """A need's name and wants, as the scan sees it."""

    name: str
    wants: Wants


class Scanned(NamedTuple):
    """What one scan gave: the subject, and the names of the needs that something was seen of."""

    subject: Subject
    hits: frozenset[str]


class _Names:
    """Wanted names, exact and by prefix, with the needs that want them."""

    def __init__(self, wanted: Iterable[tuple[str, str]]) -> None:
        self.exact: dict[str, set[str]] = {}
        self.starts: dict[str, set[str]] = {}
        for name, need in wanted:
            table = self.starts if name.endswith("*") else self.exact
            table.setdefault(name.removesuffix("*"), set()).add(need)
        self.prefixes = tuple(self.starts)

    def among(self, names: Iterable[str]) -> frozenset[str]:
        """Those of ``names`` that anybody wants."""
        names = frozenset(names)
        found = names & self.exact.keys()
        if self.prefixes:
            found |= {name for name in names if name.startswith(self.prefixes)}
        return found

    def needs(self, name: str) -> set[str]:
        """The needs that want this name."""
        found = set(self.exact.get(name, ()))
        for prefix in self.prefixes:
            if name.startswith(prefix):
                found |= self.starts[prefix]
        return found


def started(program: Resolution, closure: Closure) -> frozenset[str]:
    """Paths of what the loader maps at start; the rest of the closure was opened on behalf of a need (R20)."""
    asked = {item.path: set(item.facts.needed) for item in (program, *closure.roots, *closure.resolved)}
    targets: dict[str, list[str]] = {}
    for edge in closure.edges:
        if edge.target and (edge.kind != "needed" or edge.name in asked.get(edge.requester, ())):
            targets.setdefault(edge.requester, []).append(edge.target)
    found = {program.path, *(item.path for item in closure.resolved if item.found_by == "interp")}
    left = list(found)
    left += [edge.target for edge in closure.edges if edge.kind in {"preload", "audit", "interp"} and edge.target]
    while left:
        path = left.pop()
        found.add(path)
        left += (target for target in targets.get(path, ()) if target not in found)
    return frozenset(found)


def tiers(program: Resolution, closure: Closure) -> dict[str, str]:
    """Each object's tier by path: what the program asks for itself is direct, and so is what a need added."""
    direct = {edge.target for edge in closure.edges if edge.requester == program.path and edge.target}
    direct |= {root.path for root in closure.roots}
    found = {item.path: B if item.path in direct else C for item in closure.resolved}
    found |= {item.path: B for item in closure.roots}
    found[program.path] = A
    return found


def look(
    program: Resolution,
    closure: Closure,
    views: Callable[[Resolution], View],
    looks: Sequence[Look],
    env: Mapping[str, str],
) -> Scanned:
    """Scan the program and its closure for everything that any of ``looks`` wants."""
    packaged = places.is_packaged(program.node.canonical)
    looks = [need for need in looks if packaged or not need.wants.packaged]
    ranks = tiers(program, closure)
    hits: set[str] = set()
    symbols = _Names((name, need.name) for need in looks for name in need.wants.symbols)
    sonames = _Names((name, need.name) for need in looks for name in need.wants.sonames)
    notes = {want: need.name for need in looks for want in need.wants.notes}
    order = {item.path: item for item in (program, *closure.roots, *closure.resolved)}
    at_start = started(program, closure)
    objects: list[Seen] = []
    for item in order.values():
        view = views(item)
        name = posixpath.basename(item.soname or item.path)
        seen = Seen(item.path, name, ranks[item.path], item, brought=item.path not in at_start)
        if item.facts.has_dynamic:
            seen = seen._replace(imports=symbols.among(view.imports()))
        kept = _notes(view.notes(), notes) if notes else ()
        objects.append(seen._replace(notes=kept))
        hits |= {need for symbol in seen.imports for need in symbols.needs(symbol)}
        # What is asked for counts like what is there: a driver's library is asked for and never part of the closure.
        hits |= {need for asked in (name, *item.facts.needed) for need in sonames.needs(asked)}
        hits |= {notes[note.owner.rstrip(b"\0"), note.type] for note in kept}
    own = views(program)
    hits |= {need.name for need in looks for name in need.wants.env if name in env}
    functions: frozenset[str] = frozenset()
    is_go = own.is_go()
    if is_go:
        wanted = _Names((name, need.name) for need in looks for name in need.wants.functions)
        functions = frozenset(own.go_functions((*wanted.exact, *(f"{prefix}*" for prefix in wanted.prefixes))))
        hits |= {need for name in functions for need in wanted.needs(name)}
        if packaged:
            texts = _Names((name, need.name) for need in looks for name in need.wants.unseparated)
            strings = own.scan(tuple(texts.exact))
            objects[0] = objects[0]._replace(strings=strings)
            hits |= {need for name in strings for need in texts.needs(name)}
    else:
        fragments = _Names((name, need.name) for need in looks for name in need.wants.fragments)
        static = program.facts.interpreter is None and not program.facts.needed  # static-pie has a dynamic section
        extra = (_BANNER, *_STATIC_GLIBC) if static else ()
        strings = own.scan((*fragments.exact, *extra))
        objects[0] = objects[0]._replace(strings=strings)
        hits |= {need for name in strings for need in fragments.needs(name)}
    sections = _Names((name, need.name) for need in looks for name in need.wants.sections)
    present = sections.among(own.sections()) if sections.exact or sections.prefixes else frozenset()
    hits |= {need for name in present for need in sections.needs(name)}
    subject = Subject(
        program=objects[0],
        objects=tuple(objects),
        facts=program.facts,
        libc=closure.libc,
        glibc=None,
        env=env,
        functions=functions,
        sections=present,
        is_go=is_go,
        crates=frozenset(crate.name for crate in own.crates()) if ".dep-v0" in present else frozenset(),
    )
    return Scanned(deepen(subject, views, [need for need in looks if need.name in hits]), frozenset(hits))


def deepen(subject: Subject, views: Callable[[Resolution], View], looks: Sequence[Look]) -> Subject:
    """Add the strings of libraries that the needs to be examined ask for, and glibc's version."""
    objects = []
    for seen in subject.objects:
        wanted = {text for need in looks for name, text in need.wants.inside if _concerns(name, need, seen, subject)}
        wanted -= seen.strings.keys()
        found = views(seen.resolution).scan(tuple(sorted(wanted))) if wanted else {}
        within = {text for need in looks for name, text in need.wants.inside if name == CODE and seen.tier == A}
        coded = views(seen.resolution).scan(tuple(sorted(within)), code=True) if within and not subject.is_go else {}
        objects.append(
            seen._replace(strings={**seen.strings, **found, **{CODE + text: runs for text, runs in coded.items()}})
        )
    glibc = _glibc(objects)
    known = glibc is not None or any(mark in objects[0].strings for mark in _STATIC_GLIBC)
    libc = subject.libc or ("glibc" if known else None)
    return subject._replace(program=objects[0], objects=tuple(objects), glibc=glibc, libc=libc)


def _concerns(name: str, need: Look, seen: Seen, subject: Subject) -> bool:
    if name == PROGRAM:
        return seen.tier == A and not subject.is_go
    if name == IMPORTERS:
        if seen.tier == C or (seen.tier == B and seen.resolution.node.size > _LARGE):
            return False
        return any(matches(symbol, want) for want in need.wants.symbols for symbol in seen.imports)
    return matches(seen.name, name)


def _glibc(objects: Sequence[Seen]) -> tuple[int, int] | None:
    """The version: the newest that libc.so.6 defines, or a static program's banner."""
    defined = [
        (int(parts[1]), int(parts[2]))
        for seen in objects
        if seen.name == "libc.so.6"
        for version in seen.resolution.facts.version_defs
        if (parts := re.fullmatch(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?", version))
    ]
    if defined:
        return max(defined)
    banners = (re.search(r"release version (\d+)\.(\d+)", run) for run in objects[0].strings.get(_BANNER, ()))
    return next(((int(found[1]), int(found[2])) for found in banners if found), None)


def _notes(notes: Iterable[Note], wanted: Mapping[tuple[bytes, int], str]) -> tuple[Note, ...]:
    return tuple(note for note in notes if (note.owner.rstrip(b"\0"), note.type) in wanted)
