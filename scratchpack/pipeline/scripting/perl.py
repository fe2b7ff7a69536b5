"""A Perl script goes in; the modules that it uses come out, with the libraries of those that are partly in C (N46)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs import places
from scratchpack.needs.base import Finding
from scratchpack.pipeline.scripting.model import MODULES, ScriptNeeds, result
from scratchpack.pipeline.scripting.taken import Taken
from scratchpack.scripts.perl.program import include_path, perl_program
from scratchpack.scripts.perl.reader import read_perl
from scratchpack.scripts.text import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.pipeline.scripting.model import Script

_LISTED = 6


def perl_part(script: Script) -> ScriptNeeds:
    """What a Perl script needs.

    Raises:
        ScriptError: it passes a limit.
    """
    holders = [item.node for item in script.closure.resolved if item.soname.startswith("libperl")]
    named = [place for place in script.options.env.get("PERL5LIB", "").split(":") if place.startswith("/")]
    search = (*named, *include_path(script.root, (script.interpreter.node, *holders)))
    found = perl_program(script.root, script.program.node, search)
    taken = Taken(script, MODULES, (place for place in search if places.is_system(place)))
    for module in found.modules:
        taken.file(module, f"{script.program.given} uses it")
        base = next((place for place in found.search if places.within(module, place)), posixpath.dirname(module))
        name = module[len(base) + 1 :].removesuffix(".pm")
        for place in (base, *search):  # XSLoader and AutoLoader look below auto/
            if script.root.lookup(f"{place}/auto/{name}") is not None:
                taken.tree(f"{place}/auto/{name}", f"{name.replace('/', '::')} loads it")
    open_ended = _changes_search(script)
    stops = tuple(
        f"{_module(item.name)}: used in {item.file}, line {item.line}; no such module in {script.root.name} (looked in {', '.join(found.search)})"
        for item in found.missing
        if not (item.optional or open_ended)
    )
    notes = [*found.warnings]
    doubtful = [
        f"{_module(item.name)} ({item.file}, line {item.line})" for item in found.missing if item.optional or open_ended
    ]
    if doubtful:
        more = f" and {len(doubtful) - _LISTED} more" if len(doubtful) > _LISTED else ""
        notes.append(
            f"used where the program can go on without it, and not there: {', '.join(doubtful[:_LISTED])}{more}"
        )
    notes += [f"{item.file}, line {item.line}, {item.what}" for item in found.unknown if item.file == script.path]
    return ScriptNeeds(
        result(script, MODULES, _findings(script), taken.contribution(notes), beside=taken.moving(*search)), stops
    )


def _changes_search(script: Script) -> bool:
    """Whether the script changes @INC in a way that its reader does not follow: then a miss is no proof."""
    source = read(script.root, script.program.node)
    return b"@INC" in source.data or (b"use lib" in source.data and not read_perl(source).search)


def _module(path: str) -> str:
    return path.removesuffix(".pm").replace("/", "::") if path.endswith(".pm") else path


def _findings(script: Script) -> Iterator[Finding]:
    for used in read_perl(read(script.root, script.program.node)).used:
        doubt = "the program can go on without it" if used.optional else ""
        yield Finding("uses", _module(used.path), script.path, used.line, doubt)
