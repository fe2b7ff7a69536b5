"""A Perl script goes in; the modules that it uses come out, with the libraries of those that are partly in C (N46)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs import places
from scratchpack.needs.base import Finding
from scratchpack.packages import open_database
from scratchpack.pipeline.scripting.model import MODULES, ScriptNeeds, given, result
from scratchpack.pipeline.scripting.taken import Taken
from scratchpack.scripts.perl.program import include_path, perl_program
from scratchpack.scripts.perl.reader import read_perl
from scratchpack.scripts.text import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.pipeline.scripting.model import Script

_SOURCES = (".psgi", ".pl", ".pm", ".cgi", ".t")
_LISTED = 6
_MAX_BELOW = 4000  # names below one directory without a package


def perl_part(script: Script) -> ScriptNeeds:
    """What a Perl script needs.

    Raises:
        ScriptError: it passes a limit.
    """
    holders = [item.node for item in script.closure.resolved if item.soname.startswith("libperl")]
    named = [place for place in script.options.env.get("PERL5LIB", "").split(":") if place.startswith("/")]
    search = (*named, *include_path(script.root, (script.interpreter.node, *holders)))
    found = perl_program(script.root, script.program.node, search, _Family(script, search).of, given(script, _SOURCES))
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
    if found.by_name:
        at = ", ".join(f"{item.file}, line {item.line}" for item in found.by_name[:3])
        more = f" and {len(found.by_name) - 3} more" if len(found.by_name) > 3 else ""
        notes.append(
            f"modules are loaded by names made at run time ({at}{more}): those installed with these files and with the script travel, --include any other"
        )
    return ScriptNeeds(
        result(script, MODULES, _findings(script), taken.contribution(notes), beside=taken.moving(*search)), stops
    )


class _Family:
    """The modules that a distribution installed together: what a file that loads by name is expected to load.

    The interpreter's own packages are no family: their modules are the standard library, which nobody loads whole.
    """

    def __init__(self, script: Script, search: tuple[str, ...]) -> None:
        self._root = script.root
        self._database = open_database(script.root)
        self._search = search
        owner = None if self._database is None else self._database.owner(script.interpreter.node.canonical)
        self._standard = "" if owner is None else owner.source

    def of(self, path: str) -> tuple[str, ...]:
        """The modules of the package that owns a file; without a package those below the first word of its name (``X/Y.pm``: ``X/``)."""
        owner = None if self._database is None else self._database.owner(path)
        if owner is not None and self._database is not None:
            files = () if owner.source == self._standard else self._database.files(owner)
            return tuple(
                file for file in files if file.endswith(".pm") and any(places.within(file, top) for top in self._search)
            )
        top = next((place for place in self._search if places.within(path, place)), None)
        first = "" if top is None else path[len(top) + 1 :].partition("/")[0]
        return () if top is None or first.endswith(".pm") else tuple(self._below(f"{top}/{first}"))

    def _below(self, directory: str) -> Iterator[str]:
        """The modules below a directory that no package installed, through no link."""
        ahead = [directory]
        seen = 0
        while ahead and seen < _MAX_BELOW:
            node = self._root.lookup(ahead.pop(), follow=False)
            for name in self._root.list(node) if node is not None and node.kind == "directory" else ():
                seen += 1
                path = f"{node.canonical}/{name}" if node is not None else name
                if name.endswith(".pm"):
                    yield path
                elif "." not in name:
                    ahead.append(path)


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
