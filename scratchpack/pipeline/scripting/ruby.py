"""A Ruby script: what it requires of the load path, and the gems that it or its Gemfile.lock asks for (N46)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs import places
from scratchpack.needs.base import Finding
from scratchpack.pattern import pattern
from scratchpack.pipeline.scripting.model import BESIDE, MODULES, ScriptNeeds, result
from scratchpack.pipeline.scripting.taken import Taken
from scratchpack.scripts.ruby.gems import Gems, gem_directories
from scratchpack.scripts.ruby.program import load_path, ruby_program
from scratchpack.scripts.ruby.reader import read_ruby
from scratchpack.scripts.text import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.needs.base import NeedResult
    from scratchpack.pipeline.scripting.model import Script
    from scratchpack.scripts.ruby.program import RubyProgram

_LISTED = 6
_COMPILED = pattern(
    r"/ext/(?:.*/)?[^/]*\.(?:c|cc|cpp|h|rl|y|o|a|java)\Z|/ext/(?:.*/)?(?:Makefile|mkmf\.log)\Z|/gem_make\.out\Z|/mkmf\.log\Z"
)
_VERBS = {"require": "requires", "load": "loads", "gem": "uses the gem", "bin": "starts the gem"}


def ruby_part(script: Script) -> ScriptNeeds:
    """What a Ruby script needs.

    Raises:
        ScriptError: it passes a limit.
    """
    holders = [item.node for item in script.closure.resolved if item.soname.startswith("libruby")]
    named = _named(script, "RUBYLIB")
    search = (*named, *load_path(script.root, (script.interpreter.node, *holders)))
    gems = Gems(script.root, (*_named(script, "GEM_HOME"), *_named(script, "GEM_PATH"), *gem_directories(search)))
    always = script.mode(MODULES) == "always"
    found = ruby_program(script.root, script.program.node, search, gems, everything=always)
    trees = (place for place in (*gems.directories, *search) if not places.is_private(place))
    taken = Taken(script, MODULES, trees)
    _take(taken, script, found)
    stops = tuple(
        f"{item.name}: required in {item.file}, line {item.line}; no such file in the load path of {script.root.name} and no such gem"
        f" (looked in {', '.join((*found.search, *gems.directories))})"
        for item in found.missing
        if not item.optional
    )
    needs = result(
        script, MODULES, _findings(script), taken.contribution(_notes(script, found)), beside=taken.moving(*search, *gems.directories),
        suggestion="" if always else _offer(script, found),
    )  # fmt: skip
    return ScriptNeeds((*needs, *_beside(script, found)), stops)


def _named(script: Script, variable: str) -> tuple[str, ...]:
    """Directories of a variable of the image."""
    return tuple(place for place in script.options.env.get(variable, "").split(":") if place.startswith("/"))


def _take(taken: Taken, script: Script, found: RubyProgram) -> None:
    """Gems whole; of the load path each file with the directory of its name, whose files it may require by names that it puts together."""
    for gem in found.gems:
        why = f"{gem.name} {gem.version}, a gem"
        taken.file(gem.specification, why)
        for directory in gem.directories:
            taken.tree(directory, why, _is_opened)
    for file in found.files:
        taken.file(file, f"{script.program.given} requires it")
        base = next((place for place in found.search if places.within(file, place)), None)
        if base is not None:
            top = file[len(base) + 1 :].partition("/")[0].removesuffix(".rb").removesuffix(".so")
            why = f"{script.program.given} requires {top}"
            taken.file(f"{base}/{top}.rb", why)
            taken.tree(f"{base}/{top}", why)
    if found.bundle is not None:
        for path in (found.bundle.gemfile, found.bundle.lock, found.bundle.settings):
            if path:
                taken.file(path, f"{script.program.given} asks bundler for its gems")
        for place in found.bundle.gem_directories(script.root):
            taken.tree(f"{place}/bundler", "gems that bundler took from Git")


def _is_opened(path: str) -> bool:
    """Not the sources of what is there compiled, nor what the compiler left beside them."""
    return not _COMPILED.search(path)


def _notes(script: Script, found: RubyProgram) -> Iterator[str]:
    yield from found.warnings
    doubtful = [f"{item.name} ({item.file}, line {item.line})" for item in found.missing if item.optional]
    if doubtful:
        more = f" and {len(doubtful) - _LISTED} more" if len(doubtful) > _LISTED else ""
        yield f"required where the program can go on without it, and not there: {', '.join(doubtful[:_LISTED])}{more}"
    own = posixpath.dirname(script.path)
    yield from (
        f"{item.file}, line {item.line}, {item.what}" for item in found.unknown if places.within(item.file, own)
    )
    if found.bundle is not None:
        directory = found.bundle.directory
        yield (
            f"{script.program.given} asks bundler for its gems, which looks for {posixpath.basename(found.bundle.gemfile)} in the working directory and above:"
            f" it lies in {directory} and travels with the script; set --workdir to its place in the image, or -e BUNDLE_GEMFILE"
        )


def _offer(script: Script, found: RubyProgram) -> str:
    """The gems that others may load, in one line."""
    if not found.hints:
        return ""
    names = [f"{hint.gem.name} ({hint.file}, line {hint.line})" for hint in found.hints]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"the gems of {script.program.given} may load {', '.join(names[:_LISTED])}{more}: add with --need {MODULES}=always"


def _findings(script: Script) -> Iterator[Finding]:
    reading = read_ruby(read(script.root, script.program.node))
    for wanted in reading.wanted:
        yield Finding(_VERBS[wanted.how], wanted.path, script.path, wanted.line, wanted.why)
    if reading.bundler:
        yield Finding("requires", "bundler/setup", script.path, reading.bundler)


def _beside(script: Script, found: RubyProgram) -> Iterator[NeedResult]:
    own = posixpath.dirname(script.path)
    taken = Taken(script, BESIDE)
    findings = []
    for mention in found.mentions:
        if not _is_own(mention.file, own):
            continue
        if mention.path != own and not places.within(own, mention.path) and taken.gate.lookup(mention.path) is not None:
            taken.either(mention.path, f"{mention.file}:{mention.line} names it")
            findings.append(Finding("names", mention.path, mention.file, mention.line))
    yield from result(script, BESIDE, findings, taken.contribution(), beside=taken.moving())


def _is_own(file: str, directory: str) -> bool:
    """Whether the script's author wrote a file: a package's own files travel with it."""
    return places.within(file, directory)
