"""Who asked for what, as a tree: a closure goes in, lines come out, each library unfolded where it was asked for first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.report.text import escape, human

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scratchpack.loader.model import Closure, Edge, Resolution


def tree(closure: Closure, starts: Sequence[str] | None = None) -> list[str]:
    """Who asked for what, first requests unfolded once; how each was found. It starts with the programs, or with ``starts``."""
    children: dict[str, list[Edge]] = {}
    for edge in closure.edges:
        children.setdefault(edge.requester, []).append(edge)
    by_path = {resolution.path: resolution for resolution in (*closure.roots, *closure.resolved)}
    lines: list[str] = []
    seen: set[str] = set()

    for root in [root.path for root in closure.roots] if starts is None else starts:
        lines.append(escape(root))
        seen.add(root)
        unfolded = [iter(children.get(root, ()))]  # a stack and no recursion: a chain may be thousands long
        while unfolded:
            request = next(unfolded[-1], None)
            if request is None:
                unfolded.pop()
                continue
            target, again = request.target, request.target in seen
            lines.append("  " * len(unfolded) + escape(_edge(request, by_path.get(target or ""), again=again)))
            if target is not None and not again:
                seen.add(target)
                unfolded.append(iter(children.get(target, ())))
    return lines


def _edge(edge: Edge, target: Resolution | None, *, again: bool) -> str:
    kind = "" if edge.kind in {"needed", "interp"} else f"{edge.kind} "
    if target is None:
        return f"{kind}{edge.name} => " + ("not found" if edge.target is None else edge.target)
    if again:
        return f"{kind}{edge.name} => {target.path} (above)"
    return f"{kind}{edge.name} => {target.path} [{target.found_by}]"


def folded(closure: Closure, starts: Sequence[str] | None = None, *, most: int) -> list[str]:
    """The whole tree where it has at most ``most`` lines, else what the programs ask for themselves, each with the sum of what follows."""
    lines = tree(closure, starts)
    if len(lines) <= most:
        return lines
    children: dict[str, list[Edge]] = {}
    for edge in closure.edges:
        children.setdefault(edge.requester, []).append(edge)
    by_path = {resolution.path: resolution for resolution in (*closure.roots, *closure.resolved)}
    lines, seen = [], set()
    for start in [root.path for root in closure.roots] if starts is None else starts:
        lines.append(escape(start))
        seen.add(start)
        own = {edge.target for edge in children.get(start, ()) if edge.target}
        for edge in children.get(start, ()):
            again = edge.target in seen
            below = () if again or edge.target is None else _below(edge.target, children, seen, own)
            line = escape(_edge(edge, by_path.get(edge.target or ""), again=again))
            size = sum(by_path[path].facts.size for path in below if path in by_path)
            lines.append(f"  {line}" + (f" and {len(below)} more below, {human(size)}" if below else ""))
    return [*lines, f"  (-v shows all {len(by_path)}, each below what asks for it)"]


def _below(start: str, children: dict[str, list[Edge]], seen: set[str], own: set[str]) -> list[str]:
    """What one library brings that nothing before it did, and that the program does not ask for itself."""
    found: list[str] = []
    seen.add(start)
    ahead = [start]
    while ahead:
        for edge in children.get(ahead.pop(), ()):
            if edge.target is not None and edge.target not in seen and edge.target not in own:
                seen.add(edge.target)
                found.append(edge.target)
                ahead.append(edge.target)
    return found
