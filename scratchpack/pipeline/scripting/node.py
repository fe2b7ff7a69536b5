"""A Node script goes in; the package that it belongs to comes out, with its production dependencies (N45)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs import places
from scratchpack.needs.base import Finding
from scratchpack.pipeline.scripting.model import MODULES, ScriptNeeds, result
from scratchpack.pipeline.scripting.taken import Taken
from scratchpack.scripts.node.imports import read_javascript
from scratchpack.scripts.node.program import node_program
from scratchpack.scripts.node.resolve import above
from scratchpack.scripts.text import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scratchpack.pipeline.scripting.model import Script
    from scratchpack.scripts.node.program import NodeProgram

_LISTED = 6


def node_part(script: Script) -> ScriptNeeds:
    """What a Node script needs.

    Raises:
        ScriptError: it passes a limit.
    """
    found = node_program(script.root, script.program.node)
    taken = Taken(script, MODULES, _installed(found))
    for package in found.packages:
        why = (
            f"{script.program.given} belongs to it"
            if package.directory == found.package
            else f"{package.name} {package.version}, a dependency"
        )
        taken.tree(package.directory, why, _without_packages(package.directory), whole=True)
    for module in found.modules:
        if module != script.path and not any(places.within(module, p.directory) for p in found.packages):
            taken.file(module, f"{script.program.given} loads it")
    for mention in found.mentions:
        if (
            not any(places.within(mention.path, p.directory) for p in found.packages)
            and taken.gate.lookup(mention.path) is not None
        ):
            taken.either(mention.path, f"{mention.file}:{mention.line} names it")
    missing = [item for item in found.missing if not item.optional]
    stops = tuple(
        f"{item.name}: required in {item.file}, line {item.line}; no such module in {script.root.name}"
        for item in missing
        if not item.file.endswith("package.json")
    )
    doubtful = [f"{item.name} ({item.file}, line {item.line})" for item in found.missing if item.optional]
    notes = [*found.warnings]
    if doubtful:
        more = f" and {len(doubtful) - _LISTED} more" if len(doubtful) > _LISTED else ""
        notes.append(
            f"required where the program can go on without it, and not there: {', '.join(doubtful[:_LISTED])}{more}"
        )
    notes += [
        f"{item.file} declares {item.name}, which is not installed"
        for item in missing
        if item.file.endswith("package.json")
    ]
    moving = taken.moving()
    anchors = {
        path[: path.rindex("/node_modules/")] + "/node_modules"
        for path in (*moving, script.path)
        if "/node_modules/" in path
    }
    # The name node_modules is what Node looks for, so what keeps its place starts above the topmost one.
    tops = {anchor.partition("/node_modules")[0] + "/node_modules" for anchor in anchors}
    needs = result(
        script, MODULES, _findings(script), taken.contribution(notes), beside=(*moving, *sorted(tops)) if moving else ()
    )
    return ScriptNeeds(needs, stops)


def _installed(found: NodeProgram) -> tuple[str, ...]:
    """Packages in the directories that Node's own algorithm searches from the script's package; a link out of them proves nothing."""
    if found.package is None:
        return ()
    searched = [f"{place}/node_modules" for place in above(found.package)]
    inside = (p.directory for p in found.packages if any(places.within(p.directory, top) for top in searched))
    return (found.package, *inside)


def _without_packages(directory: str) -> Callable[[str], bool]:
    def keep(path: str) -> bool:
        return "/node_modules/" not in path[len(directory) :] + "/" and posixpath.basename(path) != "node_modules"

    return keep


def _findings(script: Script) -> Iterator[Finding]:
    for asked in read_javascript(read(script.root, script.program.node)).required:
        yield Finding("requires", asked.specifier, script.path, asked.line, asked.why)
