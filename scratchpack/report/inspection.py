"""What a program is, for people: a plan goes in; its kind, the tree of what it loads, its runtime needs and the image's rows come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.report.groups import every_row, rows
from scratchpack.report.offers import offers
from scratchpack.report.table import table
from scratchpack.report.text import MANY, escape, human
from scratchpack.report.tree import folded, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.loader.model import Closure
    from scratchpack.needs.base import NeedResult
    from scratchpack.pipeline.model import Plan

_LINKAGE = {
    "static": "static: no loader is named (PT_INTERP) and nothing is loaded",
    "static-pie": "static, position-independent: no loader is named (PT_INTERP) and nothing is loaded",
    "dynamic": "dynamic: it names a loader",
    "shared-object": "a shared library",
    "script": "a script",
    "compressed": "compressed (UPX): its dependencies cannot be seen",
}
_STRENGTH = {"a": "shown by the program", "b": "by a library it loads", "c": "by a library of a library"}
_EVIDENCE = 3  # lines that a person reads of one need


def inspection_text(plan: Plan, *, colour: bool = False, verbose: bool = False, width: int | None = None) -> str:
    """What a program is, the tree of what it loads, problems with every place looked at, and its needs.

    ``verbose`` folds nothing; ``width`` is the terminal's, in columns, ``None`` for a pipe.
    """
    program = plan.programs[0]
    facts = program.facts
    lines = [
        f"{escape(program.given)}: {human(facts.size)}, {facts.machine}, {facts.bits}-bit, {facts.byte_order}-endian",
        f"  {_LINKAGE[facts.linkage.value]}" + (f" ({escape(facts.interpreter)})" if facts.interpreter else ""),
    ]
    if plan.interpreters:
        lines.append(f"  run by {escape(', '.join(plan.interpreters))}")
    if plan.closure.libc:
        lines.append(f"  libc: {plan.closure.libc}")
    if plan.closure.resolved or plan.closure.problems:
        lines += ["", *(tree(plan.closure) if verbose else folded(plan.closure, most=MANY))]
    for problem in dict.fromkeys(problem for closure in plan.closures for problem in closure.problems):
        word = "not found" if problem.kind == "missing" else f"{problem.severity}: {problem.kind}"
        lines += ["", escape(f"{problem.name}: {word}, asked for by {problem.requester} {problem.detail}".rstrip())]
        lines += [escape(f"    {place.path} ({place.via}): {place.verdict}") for place in problem.searched]
    if plan.needs:
        lines += ["", "Runtime needs:"]
        for need in plan.needs:
            lines += _need(need, verbose=verbose)
        lines += offers(plan.needs)
    lines += ["", f"In an image: {human(plan.rootfs.size)}"]
    lines += table((every_row if verbose else rows)(plan.rootfs), colour=colour, width=width)
    lines += [f"warning: {escape(text)}" for text in plan.warnings]
    return "\n".join(lines) + "\n"


def _need(need: NeedResult, *, verbose: bool) -> Iterator[str]:
    yield f"  {need.name:<12} {need.decision} ({_STRENGTH[need.tier]})"
    shown = need.evidence if verbose else need.evidence[: MANY if need.findings else _EVIDENCE]
    for item in shown:
        yield f"      {escape(f'{item.by} {item.because}'.strip())}"
    if len(shown) < len(need.evidence):
        yield f"      and {len(need.evidence) - len(shown)} more (-v)"
    if need.closure is not None:
        starts = _askers(need.closure)
        lines = tree(need.closure, starts) if verbose else folded(need.closure, starts, most=MANY)
        yield from (f"      {line}" for line in lines)


def _askers(closure: Closure) -> tuple[str, ...]:
    """Of what a need brings: those who open it, which the loader mapped before."""
    inside = {found.path for found in closure.resolved}
    return tuple(dict.fromkeys(edge.requester for edge in closure.edges if edge.requester not in inside))
