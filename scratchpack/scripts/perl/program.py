"""A Perl script with the modules it uses: a path goes in, files of @INC and misses come out (N46)."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.errors import InputError
from scratchpack.record import NamedTuple
from scratchpack.scripts.model import Import, Unknown
from scratchpack.scripts.perl.reader import read_perl
from scratchpack.scripts.searchpath import directories_named
from scratchpack.scripts.text import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from scratchpack.sysroot.model import Node, Sysroot

MAX_MODULES = 4000
MAX_BYTES = 32 << 20
# Modules whose purpose is to load others by name: who uses one decides while it runs, as with a `require` of a variable.
_LOADERS = frozenset(
    {
        "Module/Runtime.pm",
        "Module/Load.pm",
        "Class/Load.pm",
        "Module/Pluggable.pm",
        "Module/Find.pm",
        "UNIVERSAL/require.pm",
    }
)
_INC = re.compile(rb"\0(/[\w./+-]*perl[\w./+-]*)(?=\0)")  # @INC's directories are strings of perl or libperl


class PerlProgram(NamedTuple):
    """``search`` is @INC as derived; ``modules`` the files found in it; of ``missing`` those that are not ``optional`` stop the script.

    ``by_name`` are the places that load modules by names which only a run can show.
    """

    search: tuple[str, ...]
    modules: tuple[str, ...]
    missing: tuple[Import, ...]
    unknown: tuple[Unknown, ...]
    warnings: tuple[str, ...]
    by_name: tuple[Unknown, ...] = ()


def include_path(root: Sysroot, binaries: tuple[Node, ...]) -> tuple[str, ...]:
    """@INC from the strings of perl and libperl that are directories of the root: it is not asked, for that would run it (S1)."""
    return directories_named(root, binaries, _INC)


def perl_program(
    root: Sysroot,
    script: Node,
    search: tuple[str, ...],
    family: Callable[[str], tuple[str, ...]] = lambda _path: (),
    given: tuple[Node, ...] = (),
) -> PerlProgram:
    """Follow the modules of a script through ``search``, as :func:`include_path` gives it.

    ``family`` gives, for a file that loads modules by name, the files that such a name may mean (those installed with it). They are followed
    as modules which the script may do without, and so are those of the script itself, and ``given``: sources that it may load (a PSGI app).
    """
    modules: dict[str, None] = {}
    missing: dict[str, Import] = {}
    unknown: list[Unknown] = []
    by_name: dict[str, Unknown] = {}
    warnings: dict[str, None] = {}
    ahead = [(script, False), *((node, True) for node in given)]
    total = 0
    first: dict[str, None] = {}
    while ahead:
        node, doubtful = ahead.pop(0)
        total += node.size
        if len(modules) > MAX_MODULES or total > MAX_BYTES:
            warnings[f"{script.canonical} uses over {MAX_MODULES} modules: not all were looked into"] = None
            break
        try:
            reading = read_perl(read(root, node))
        except InputError as error:
            if node == script:
                raise
            warnings[error.message] = None
            continue
        what = "requires a module that only a run can show"
        unknown += [Unknown(node.canonical, line, what) for line in reading.unknown]
        lines = (*reading.unknown, *(used.line for used in reading.used if used.path in _LOADERS))
        if lines:
            by_name[node.canonical] = Unknown(node.canonical, min(lines), what)
            # The first time the script's own family counts as well: a name is mostly given by the script.
            for path in (*family(node.canonical), *(family(script.canonical) if len(by_name) == 1 else ())):
                found = root.lookup(path)
                if found is not None and found.kind == "file" and found.canonical not in modules:
                    modules[found.canonical] = None
                    ahead.append((found, True))
        here = posixpath.dirname(node.canonical)
        for directory, own in reading.search:
            first[posixpath.normpath(posixpath.join(here, directory)) if own else directory] = None
        for used in reading.used:
            optional = doubtful or used.optional
            copies = _find(root, used.path, (*first, *search), here)
            if not copies:
                old = missing.get(used.path)
                if old is None or (old.optional and not optional):
                    missing[used.path] = Import(used.path, node.canonical, used.line, optional)
            for copy in copies:
                if copy.canonical not in modules:
                    modules[copy.canonical] = None
                    ahead.append((copy, optional))
    return PerlProgram(
        (*first, *search),
        tuple(modules),
        tuple(missing.values()),
        tuple(unknown),
        tuple(warnings),
        tuple(by_name.values()),
    )


def _find(root: Sysroot, path: str, search: tuple[str, ...], here: str) -> list[Node]:
    """Every file that @INC may answer with: its strings do not tell its order, so each copy counts (Debian has two of Carp)."""
    places = [f"{directory}/{path}" for directory in search]
    if path.startswith(("/", ".")):
        places = [posixpath.join(here, path)]
    nodes = (root.lookup(posixpath.normpath(place)) for place in places if "\0" not in place)
    return [node for node in nodes if node is not None and node.kind == "file"]
