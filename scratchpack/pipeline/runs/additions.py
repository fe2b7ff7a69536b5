"""What a trace adds to a plan: the trace, what is planned and the source root in; paths to add and lines for the report out (W30, W31).

Who runs a program decides what it opens, so nobody needs to own a file that it opened. What is private is still not taken
by the way: a home directory, a secret, what says which machine this is, and what others may not read are named with the
option that adds them.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs.gate import Gate
from scratchpack.needs.places import TABLES_OF_USERS
from scratchpack.pipeline.runs.touched import MOUNTED, touched
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scratchpack.entries import Keep
    from scratchpack.sandbox.trace import Trace
    from scratchpack.sysroot.model import Node, Sysroot

# Made new for the run, or made by the loader's own tools for this machine: an image has its own, or none.
_LEFT = frozenset(("/etc/ld.so.cache", "/etc/ld.so.preload", "/", *TABLES_OF_USERS))
_SCRATCH = ("/tmp", "/run", "/var/tmp", "/var/run")  # noqa: S108 - of the run
_OPENED = ("opened", "mapped", "executed", "listed")
_NAMES = 6  # of one kind that the report gives


class Additions(NamedTuple):
    """What is to be added, and what the report says of the rest."""

    paths: tuple[tuple[str, str], ...]  # a path, as it was asked for, and why it is added
    needs: tuple[str, ...]  # which only the run shows
    warnings: tuple[str, ...]


def additions(trace: Trace, planned: Sysroot, source: Sysroot, programs: tuple[str, ...], keep: Keep) -> Additions:
    """Decide for each file that the trace touched and the plan has not.

    Args:
        trace: of one run or of several.
        planned: the plan, as a root.
        source: the root that it is made from.
        programs: paths of the programs in ``source``.
        keep: what of a file travels beyond its bytes.
    """
    gate = Gate(source, programs, keep, ran=True)
    used = trace.paths(*_OPENED)
    by: dict[str, str] = {record.path: record.by for record in reversed(trace.records)}
    found: list[tuple[str, str]] = []
    withheld: dict[str, str] = {}
    for path, node in touched(trace, source).items():
        if node.kind not in {"file", "directory"} or _left(node) or planned.lookup(path) is not None:
            continue
        if gate.lookup(path) is not None:
            found.append((path, f"opened at run time by {by[path]}" if by.get(path) else "opened at run time"))
        elif path in used:
            withheld[node.canonical] = gate.withheld.get(node.canonical, "")
    warnings = [
        f"not taken: {path}, which it opened ({why}); add it with --include {path}"
        for path, why in _shown(withheld.items())
    ]
    if len(withheld) > _NAMES:
        warnings.append(f"not taken: {len(withheld) - _NAMES} more that it opened")
    needs = _needs(trace, planned)
    warnings += [f"{why} at run time: the need {name} is added" for name, why in needs]
    return Additions(
        tuple(found),
        tuple(name for name, _ in needs),
        (*warnings, *_listed(trace, source, dict(found)), *_unwritable(trace)),
    )


def _needs(trace: Trace, planned: Sysroot) -> list[tuple[str, str]]:
    """What an image has of its own making and a root as it is for all who use it: a place for temporary files, a table of users."""
    wrote = any(path.startswith(("/tmp/", "/var/tmp/")) for path in trace.paths("written"))  # noqa: S108
    found = [("tmp", "it wrote in /tmp")] if wrote and planned.lookup("/tmp") is None else []  # noqa: S108
    if trace.paths("opened") & TABLES_OF_USERS and planned.lookup("/etc/passwd") is None:
        found.append(("users", "it read the table of users"))
    return found


def _left(node: Node) -> bool:
    if node.canonical in _LEFT or any(node.canonical == top or node.canonical.startswith(top + "/") for top in MOUNTED):
        return True
    return any(node.canonical == top or node.canonical.startswith(top + "/") for top in _SCRATCH)


def _listed(trace: Trace, source: Sysroot, added: Mapping[str, str]) -> list[str]:
    """A directory that was listed holds plug-ins: what of it was not opened is suggested (W31)."""
    touched_below = trace.paths(*_OPENED, "stat")
    lines = []
    for path in sorted(trace.paths("listed") & added.keys()):
        node = source.lookup(path)
        if node is None or node.kind != "directory":
            continue
        rest = [name for name in source.list(node) if posixpath.join(path, name) not in touched_below]
        if rest:
            more = f" and {len(rest) - _NAMES} more" if len(rest) > _NAMES else ""
            names = ", ".join(rest[:_NAMES])
            lines.append(f"it listed {path} and opened nothing of {names}{more}: add them with --include {path}")
    return lines


def _unwritable(trace: Trace) -> list[str]:
    """W30: a write that failed, with the option that lets it."""
    places = sorted({posixpath.dirname(path) for path in trace.paths("unwritable")} - {"/"})
    return [f"it could not write in {place}: add --volume {place}" for place in places[:_NAMES]]


def _shown(items: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(items)[:_NAMES]
