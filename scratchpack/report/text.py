"""Text for people: plans and verdicts go in, lines of plain text come out; names are escaped, for a terminal obeys what it is sent (S11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.rootfs import Directory, File, Symlink

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scratchpack.loader.model import Closure, Edge, Resolution
    from scratchpack.needs.base import NeedResult
    from scratchpack.pipeline.model import Plan
    from scratchpack.rootfs import Entry, Reason
    from scratchpack.verification.image import Verdict

MANY = 40  # rows that a person reads; a longer table is cut, and says so


def escape(text: str) -> str:
    """Control characters and undecodable bytes made visible, so that no file name drives the terminal (S11)."""
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter.isprintable()
        else f"\\x{ord(letter) - 0xDC00:02x}"
        if 0xDC80 <= ord(letter) <= 0xDCFF
        else repr(letter)[1:-1]
        for letter in text
    )


def human(size: int) -> str:
    """A size in the units of engines' listings (decimal): "1.55 MB"."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 1000 or unit == "GB":
            return f"{value:.2f} {unit}" if value < 10 else f"{value:.1f} {unit}"
    raise AssertionError


def because(reason: Reason) -> str:
    """One reason in a few words."""
    match reason.kind:
        case "program":
            return "the program"
        case "interp":
            return "the loader that the program names"
        case "needed":
            return f"{reason.detail}, needed by {reason.by}"
        case "need":
            return f"{reason.by}: {reason.detail}"
        case "option":
            return reason.by
        case "link":
            return f"link on the way to {reason.detail or reason.by}"
        case "parent":
            return f"{reason.detail} passes through it"
    return f"{reason.kind} {reason.by} {reason.detail}".rstrip()


def _size(entry: Entry) -> str:
    match entry:
        case File():
            return human(entry.size)
        case Symlink():
            return "link"
        case Directory():
            return "dir"


def _name(entry: Entry) -> str:
    return f"{entry.path} -> {entry.target}" if isinstance(entry, Symlink) else entry.path


def file_rows(entries: Iterable[Entry]) -> list[tuple[str, str, str]]:
    """(size, path, first reason) of each entry, escaped."""
    return [
        (_size(entry), escape(_name(entry)), escape(because(entry.because[0])) if entry.because else "")
        for entry in entries
    ]


def suggestions(needs: Iterable[NeedResult]) -> Iterator[str]:
    """What a person may want to add, and what is good to know, a line each."""
    for need in needs:
        if need.suggestion:
            yield f"maybe: {escape(need.suggestion)}"
        yield from (f"note: {escape(note)}" for note in need.notes)


_LINKAGE = {
    "static": "static: no loader is named (PT_INTERP) and nothing is loaded",
    "static-pie": "static, position-independent: no loader is named (PT_INTERP) and nothing is loaded",
    "dynamic": "dynamic: it names a loader",
    "shared-object": "a shared library",
    "script": "a script",
    "compressed": "compressed (UPX): its dependencies cannot be seen",
}


def inspection_text(plan: Plan) -> str:
    """What a program is, the tree of what it loads, problems with every place looked at, and its needs."""
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
        lines += ["", *tree(plan.closure)]
    for problem in dict.fromkeys(problem for closure in plan.closures for problem in closure.problems):
        word = "not found" if problem.kind == "missing" else f"{problem.severity}: {problem.kind}"
        lines += ["", escape(f"{problem.name}: {word}, asked for by {problem.requester} {problem.detail}".rstrip())]
        lines += [escape(f"    {place.path} ({place.via}): {place.verdict}") for place in problem.searched]
    if plan.needs:
        lines += ["", "It opens later:"]
        for need in plan.needs:
            lines.append(f"  {need.name:<12} {need.decision} (tier {need.tier.upper()})")
            lines += [
                f"      {escape(f'{item.by} {item.because}'.strip())}"
                for item in need.evidence[: MANY if need.findings else 3]
            ]
            if need.closure is not None:
                lines += [f"      {line}" for line in _cut(tree(need.closure, _askers(need.closure)))]
        lines += list(suggestions(plan.needs))
    lines += ["", f"In an image: {human(plan.rootfs.size)}"]
    lines += [f"{size:>9}  {path}  {why}".rstrip() for size, path, why in file_rows(plan.rootfs)]
    lines += [f"warning: {escape(text)}" for text in plan.warnings]
    return "\n".join(lines) + "\n"


def _cut(lines: list[str]) -> list[str]:
    return lines if len(lines) <= MANY else [*lines[: MANY - 1], f"… and {len(lines) - MANY + 1} more (--json)"]


def _askers(closure: Closure) -> tuple[str, ...]:
    """Of what a need brings: those who open it, which the loader mapped before."""
    inside = {found.path for found in closure.resolved}
    return tuple(dict.fromkeys(edge.requester for edge in closure.edges if edge.requester not in inside))


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


def verdicts_text(verdicts: Iterable[Verdict]) -> str:
    """What was checked and what is wrong, a paragraph a subject."""
    lines: list[str] = []
    for verdict in verdicts:
        lines.append(escape(f"{verdict.subject}: {'wrong' if verdict.issues else 'right'}"))
        lines += [escape(f"  wrong: {issue}") for issue in verdict.issues]
        lines += [escape(f"  {line}") for line in verdict.checked]
        lines += [escape(f"  {line}") for line in verdict.notes]
        lines += [escape(f"  not checked: {line}") for line in verdict.unchecked]
    return "\n".join(lines) + "\n"
