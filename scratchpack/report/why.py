"""``inspect --why PATH``: a plan and a path go in; out comes what leads to the file there, step by step back to the program.

A path is one of the image, or one that the report shows of the root (a library where the loader found it, the program
as it was named). Links are followed as a program in the image would follow them, and each one is listed.
"""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple
from scratchpack.report.text import because, escape
from scratchpack.rootfs import Directory, File, Symlink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.pipeline.model import Plan
    from scratchpack.rootfs import Entry, Reason

_MAX_LINKS = 40  # the kernel's own bound (ELOOP), S8
_NEAR = 8  # names that a person reads
_DEEP = 40  # steps of one chain; a longer one says that it goes on


class _Walk(NamedTuple):
    """A path of the image, followed."""

    links: tuple[Symlink, ...]
    path: str  # where it ended: there, or the first name that is not there
    found: bool


def why(plan: Plan, path: str) -> str | None:
    """Every reason for what stands at a path, each followed back to the program; ``None`` where nothing stands."""
    walk = _found(plan, path)
    if walk is None:
        return None
    chains = _Chains(plan)
    lines = [walk.path if walk.found else walk.links[0].path]
    for link in walk.links:  # of /lib there are as many reasons as libraries: what the file is there for follows below
        more = f" (and {len(link.because) - 1} more)" if link.because[1:] else ""
        lines.append(f"  through {link.path} -> {link.target}, {because(link.because[0])}{more}")
    entry = plan.rootfs.get(walk.path)
    if not walk.found:
        lines.append(f"  which leads nowhere: {walk.path} would not be in the image")
        entry = walk.links[0]
    elif entry is None:  # a directory that nobody asked for is there for what is in it
        inside = _below(plan, walk.path)
        entry = inside[0]
        more = f" (and {len(inside) - 1} more)" if inside[1:] else ""
        lines.append(f"  a directory, for what is in it: {entry.path}{more}")
    lines += chains.of(entry, 1)
    return "".join(f"{escape(line)}\n" for line in lines)


def near(plan: Plan, path: str) -> tuple[str, ...]:
    """What is in the image and may have been meant: files of that name elsewhere, else what the nearest directory holds."""
    name = posixpath.basename(path.rstrip("/"))
    stem = name.partition(".so")[0] if ".so" in name else name
    like = [
        entry.path for entry in plan.rootfs if stem and posixpath.basename(entry.path).startswith((f"{stem}.", name))
    ]
    if like:
        return _shown("of that name is there: ", like)
    above = _walked(plan, _absolute(path)).path
    while above != "/" and not _below(plan, above):
        above = posixpath.dirname(above)
    start = len(above.rstrip("/")) + 1
    inside = {entry.path[start:].partition("/")[0] for entry in _below(plan, above)}
    return _shown(f"in {above} is there: ", sorted(inside))


def _shown(before: str, names: list[str]) -> tuple[str, ...]:
    more = f" and {len(names) - _NEAR} more" if len(names) > _NEAR else ""
    return (before + ", ".join(names[:_NEAR]) + more,) if names else ()


def _absolute(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))


def _found(plan: Plan, path: str) -> _Walk | None:
    """The path in the image first; then the place of a file of the root; then a name that one file alone has.

    A link that leads nowhere is in the image all the same.
    """
    if path.startswith("/"):
        walk = _walked(plan, _absolute(path))
        if walk.found or plan.rootfs.get(_absolute(path)) in walk.links:
            return walk
    for place in (path, posixpath.normpath(os.path.abspath(path))):
        if (inside := _inside(plan, place)) is not None:
            return _walked(plan, inside)
    named = [entry.path for entry in plan.rootfs if posixpath.basename(entry.path) == path]
    return _walked(plan, named[0]) if len(named) == 1 else None


def _inside(plan: Plan, place: str) -> str | None:
    """Where in the image stands what the report shows of the root under this path."""
    for program, placed in zip(plan.programs, plan.placed, strict=True):
        if place in {program.given, program.path, program.node.canonical}:
            return placed
    real = place
    for found in (each for closure in plan.closures for each in (*closure.resolved, *closure.aliases)):
        if place == found.path or any(place == link.path for link in found.node.links):
            real = found.node.canonical
            break
    origins = (
        entry
        for entry in plan.rootfs
        if isinstance(entry, File) and entry.source.origin is not None and entry.source.origin[1] in {place, real}
    )
    return next((entry.path for entry in origins), None)


def _walked(plan: Plan, path: str) -> _Walk:
    """Follow a path of the image name by name, links in the middle and at its end among them."""
    links: list[Symlink] = []
    left = [name for name in reversed(path.split("/")) if name]
    here = "/"
    while left:
        name = left.pop()
        if name in {".", ".."}:
            here = posixpath.dirname(here) if name == ".." else here
            continue
        here = posixpath.join(here, name)
        entry = plan.rootfs.get(here)
        if isinstance(entry, Symlink):
            links.append(entry)
            if len(links) > _MAX_LINKS:
                return _Walk(tuple(links), here, found=False)
            left += [name for name in reversed(entry.target.split("/")) if name]
            here = "/" if entry.target.startswith("/") else posixpath.dirname(here)
        elif entry is None and not _below(plan, here):
            return _Walk(tuple(links), here, found=False)
        elif isinstance(entry, File) and left:
            return _Walk(tuple(links), posixpath.join(here, *reversed(left)), found=False)
    return _Walk(tuple(links), here, found=True)


def _below(plan: Plan, directory: str) -> list[Entry]:
    start = directory.rstrip("/") + "/"
    return [entry for entry in plan.rootfs if entry.path.startswith(start)]


class _Chains:
    """The steps from the reason of an entry to a program that was named."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._first = {
            found.path: found
            for closure in reversed(plan.closures)  # what the start maps, it maps first
            for found in (*closure.aliases, *closure.resolved)
        }
        self._programs: dict[str, str] = {}  # each path that a report has for a program -> the program as it was named
        for program in plan.programs:
            if not program.asked_by:
                names = (program.given, program.path, program.node.canonical)
                self._programs |= dict.fromkeys(names, program.given)
        self._asked = {p.path: p.asked_by for p in plan.programs if p.asked_by}

    def of(self, entry: Entry, depth: int) -> Iterator[str]:
        """A paragraph for each reason of an entry."""
        for reason in entry.because:
            yield "  " * depth + because(reason)
            yield from self._back(self._cause(reason), depth + 1)

    def _cause(self, reason: Reason) -> str | None:
        """The path that a reason names; of a need, that of the object which shows it."""
        if reason.kind != "need":
            return None if reason.kind in {"program", "option"} else reason.by
        for need in self._plan.needs:
            if need.name == reason.by:
                shown = (item.by for item in need.evidence if reason.detail == f"{item.by}: {item.because}")
                return next(shown, next((item.by for item in need.evidence if item.by), None))
        return None

    def _back(self, at: str | None, depth: int) -> Iterator[str]:
        seen: set[str] = set()
        while at is not None and at not in seen:
            seen.add(at)
            if len(seen) > _DEEP:
                yield "  " * depth + "and so on"
                return
            if at in self._programs:
                yield "  " * depth + f"{at} is the program"
                return
            found, asker = self._first.get(at), self._asked.get(at)
            if asker is not None:
                yield "  " * depth + f"{at} runs for {asker}"
                at = asker
            elif found is not None:
                how = f"{found.soname}, needed by {found.requested_by}"
                yield "  " * depth + f"{at} is {how} [{found.found_by}]"
                at = found.requested_by
            else:  # started by the program, or opened for a need: its own file says why
                entry = self._plan.rootfs.get(_walked(self._plan, at).path) if at.startswith("/") else None
                reason = entry.because[0] if entry is not None and entry.because else None
                if reason is None or isinstance(entry, Directory):
                    return
                yield "  " * depth + f"{at} is there for {because(reason)}"
                at = self._cause(reason)
            depth += 1
