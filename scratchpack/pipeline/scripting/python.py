"""A Python script: its interpreter's environment and its imports go in; what of both travels, and what stops it, come out (N44)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs import places
from scratchpack.needs.base import Finding
from scratchpack.pattern import pattern
from scratchpack.pipeline.scripting.distributions import Distributions
from scratchpack.pipeline.scripting.model import BESIDE, MODULES, ScriptNeeds, evidence, given, result
from scratchpack.pipeline.scripting.taken import Taken
from scratchpack.scripts.python.imports import read_python
from scratchpack.scripts.python.program import python_program
from scratchpack.scripts.text import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.needs.base import Evidence, NeedResult
    from scratchpack.pipeline.scripting.model import Script
    from scratchpack.scripts.model import Import
    from scratchpack.scripts.python.environment import Environment
    from scratchpack.scripts.python.program import PythonProgram

# Words of a .pth file's code, or of the file's name, that change where modules are found.
_HOOKS = pattern(r"meta_path|path_hooks|sys\.path|addsitedir|_finder|__editable__|\.__path__")
_OPENS = {  # module of the standard library -> the need of what it opens when it is used
    "ssl": "ca-certificates", "urllib.request": "ca-certificates", "http.client": "ca-certificates",
    "zoneinfo": "timezone", "tempfile": "tmp", "pwd": "users", "getpass": "users", "socket": "hosts", "curses": "terminfo", "mimetypes": "mime",
}  # fmt: skip
_INSTALLERS = ("pip", "pip-")  # of a virtual environment: what fills it, and its own metadata
_LISTED = 6


def python_part(script: Script) -> ScriptNeeds:
    """What a Python script needs.

    Raises:
        ScriptError: it is not Python 3, or passes a limit.
    """
    found = python_program(script.root, script.program.node, script.interpreter.path, given(script, (".py",)))
    env = found.environment
    if env is None:
        return ScriptNeeds()  # the interpreter's own need names what is missing
    taken = Taken(script, MODULES, _trees(env))
    if env.pyvenv is not None:
        _environment(taken, env)
    _modules(taken, script, found, env)
    notes = [*found.warnings, *_doubtful(found.missing)]
    stops = tuple(_stops(script, found, env))
    needs = result(
        script, MODULES, _findings(script), taken.contribution(notes),
        beside=taken.moving(env.prefix if env.pyvenv else "/usr", env.base, *env.site, *_added(script, env)),
    )  # fmt: skip
    return ScriptNeeds((*needs, *_beside(script, found, env)), stops, tuple(_for_interpreter(found)))


def _for_interpreter(found: PythonProgram) -> Iterator[Evidence]:
    """Evidence for the interpreter's needs: it has every module of the standard library, and the script uses these."""
    for item in found.standard:
        if item.name in _OPENS:
            yield evidence(
                _OPENS[item.name],
                Finding("imports", item.name, item.file, item.line, "not at start" if item.optional else ""),
            )


def _trees(env: Environment) -> tuple[str, ...]:
    """The directories that CPython itself searches by where it stands; what a .pth file adds is a string and no proof."""
    return (*env.site, env.prefix) if env.pyvenv else env.site


def _added(script: Script, env: Environment) -> Iterator[str]:
    """What .pth files add to the search path; the script's own directory keeps its place beside it."""
    own = posixpath.dirname(script.path)
    return (place for place in env.path if not places.within(own, place))


def _environment(taken: Taken, env: Environment) -> None:
    """A virtual environment where it stands: its configuration, and its site-packages whole but for pip and bytecode."""
    taken.file(env.pyvenv or "", "the virtual environment of the interpreter")
    for site in env.site:
        if places.within(site, env.prefix):

            def keep(path: str, site: str = site) -> bool:
                return not path[len(site) + 1 :].startswith(_INSTALLERS) or path[len(site) + 1 :].startswith("pip_")

            taken.tree(site, f"packages of {env.prefix}", keep, whole=True)


def _modules(taken: Taken, script: Script, found: PythonProgram, env: Environment) -> None:
    """Each top-level package that a followed import leads into, whole: what it loads later is not visible in its text."""
    own = posixpath.dirname(script.path)
    places_searched = sorted(dict.fromkeys((*env.path, own)), key=len, reverse=True)
    inside = tuple(site for site in env.site if env.pyvenv and places.within(site, env.prefix))
    distributions = Distributions(script.root, env.site)
    tops: dict[tuple[str, str], None] = {}
    for file in found.modules:
        if any(places.within(file, site) for site in inside):
            continue
        base = next((place for place in places_searched if places.within(file, place)), posixpath.dirname(file))
        tops[base, file[len(base.rstrip("/")) + 1 :].partition("/")[0]] = None
    ahead = list(tops)
    while ahead:
        base, top = ahead.pop(0)
        why = f"{script.program.given} imports {top.partition('.')[0]}"
        taken.either(posixpath.join(base, top), why)
        for directory, further in distributions.of(base, top):
            taken.either(directory, f"the metadata of {top.partition('.')[0]}")
            for more in further:
                if more not in tops and not any(places.within(more[0], site) for site in inside):
                    tops[more] = None
                    ahead.append(more)


def _findings(script: Script) -> Iterator[Finding]:
    for imported in read_python(read(script.root, script.program.node)).imports:
        name = "." * imported.level + imported.module
        yield Finding("imports", name, script.path, imported.line, imported.why)


def _stops(script: Script, found: PythonProgram, env: Environment) -> Iterator[str]:
    """Imports that must succeed and lead nowhere. A package may make its submodules itself, and a .pth file may hook the search."""
    hooked = any(_hooks(script, file) for file in dict(env.pth_code))
    for item in found.missing:
        if not item.optional and not hooked and _is_top(item, found):
            yield f"{item.name}: imported in {item.file}, line {item.line}; no such module in {script.root.name} (looked in {', '.join(env.path)})"


def _hooks(script: Script, file: str) -> bool:
    node = script.root.lookup(file)
    text = read(script.root, node).data.decode("utf-8", "replace") if node is not None else ""
    return _HOOKS.search(f"{posixpath.basename(file)}\n{text}") is not None


def _is_top(item: Import, found: PythonProgram) -> bool:
    top, _, rest = item.name.partition(".")
    return not rest or not any(f"/{top}/" in file or f"/{top}." in file for file in found.modules)


def _doubtful(missing: tuple[Import, ...]) -> Iterator[str]:
    """What is imported and nowhere, where the program may do without it: one line."""
    named = [f"{item.name} ({item.file}, line {item.line})" for item in missing]
    if named:
        more = f" and {len(named) - _LISTED} more" if len(named) > _LISTED else ""
        yield f"imported where the program can go on without it, and not there: {', '.join(named[:_LISTED])}{more}"


def _beside(script: Script, found: PythonProgram, env: Environment) -> Iterator[NeedResult]:
    taken = Taken(script, BESIDE)
    findings = []
    for mention in found.mentions:
        own = places.within(mention.file, posixpath.dirname(script.path)) and not any(
            places.within(mention.file, s) for s in env.site
        )
        if own and mention.path != posixpath.dirname(script.path) and taken.gate.lookup(mention.path) is not None:
            taken.either(mention.path, f"{mention.file}:{mention.line} names it")
            findings.append(Finding("names", mention.path, mention.file, mention.line))
    yield from result(script, BESIDE, findings, taken.contribution(), beside=taken.moving())
