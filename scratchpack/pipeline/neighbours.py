"""What stands beside a program and in its own strings (N51): a compiler beside its driver, ``cmake`` beside ``share/cmake-3.25``.

In go a program, where it lands, and what travels; out comes one line that offers the rest. A string is no reason to take a
file that no package owns, and without those files such a program starts and then finds nothing.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.needs import places
from scratchpack.needs.gate import packages
from scratchpack.needs.owntree import home_directories
from scratchpack.pattern import pattern
from scratchpack.rootfs import File

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scratchpack.elf.evidence import Elf
    from scratchpack.pipeline.model import Program
    from scratchpack.rootfs import Rootfs
    from scratchpack.sysroot.model import Node, Sysroot

_MAX_NAMES = 400  # of one directory; more is nobody's own
_MAX_INSIDE = 40  # names of a directory beside the program that are looked for
_FEW = 4  # that the line offers one by one
_BINARIES = frozenset(("bin", "sbin", "libexec"))
_DATA = ("share", "lib", "lib64", "libexec", "etc")  # of a prefix
# what every build and every prefix has: a name of one says nothing
_COMMON = frozenset({
    "doc", "docs", "man", "info", "locale", "icons", "applications", "pkgconfig", "include", "licenses", "metainfo", "src", "source", "test", "tests", "target", "build", "debug", "release", "main", "config", "data", "core", "dist", "share", "lib", "lib64", "libexec", "etc", "bin", "sbin", "out", "tmp", "obj", "package", "vendor", "Makefile",
})  # fmt: skip
# What a build leaves beside its program, named by assertions and debuggers; names are compared, for a pattern costs more to compile
# than a small program to pack.
_SOURCE_ENDINGS = frozenset({
    "c", "cc", "cpp", "cxx", "h", "hh", "hpp", "rs", "go", "d", "o", "a", "lo", "la", "zig", "nim", "hs", "swift", "java", "s", "S", "asm", "md", "rst", "log", "pyc", "gitignore", "dwp", "debug", "tar", "gz", "zip", "map",
})  # fmt: skip
_PROJECT_STARTS = (".", "CMake", "meson", "README", "LICENSE", "LICENCE", "COPYING", "CHANGE", "NEWS", "AUTHORS", "Dockerfile", "docker-compose")  # fmt: skip
# what a tool reads of the project that it works on, and its own package's manifest
_PROJECTS = frozenset({
    "package.json", "package.jsonc", "package-lock.json", "package-lock.jsonc", "tsconfig.json", "tsconfig.jsonc", "deno.json", "deno.jsonc", "composer.json", "composer.jsonc", "biome.json", "biome.jsonc", "Cargo.toml", "Cargo.lock", "pyproject.toml", "pyproject.lock", "Gopkg.toml", "Gopkg.lock", "go.mod", "go.sum",
})  # fmt: skip
_DISTINCT = pattern(r"(?=.{6})[\w+]+(?:[.-][\w+]+)+")  # a name that stands for itself wherever it stands


def beside(program: Program, placed: str, rootfs: Rootfs, view: Callable[[], Elf]) -> str:
    """The line for one program; "" where nothing beside it is named."""
    there = dict(_candidates(program.root, program.node.canonical))
    if not there:
        return ""
    travelling = {entry.source.origin[1] for entry in rootfs if isinstance(entry, File) and entry.source.origin}
    there = {path: node for path, node in there.items() if not _travels(node, travelling)}
    named = _named(there, program.root, view()) if there else []
    if not named or _is_packaged(program.root, program.node.canonical):  # asked last: it reads every package's list
        return ""
    return _line(program, placed, named, [path for path, node in there.items() if node.kind == "file"])


def _is_packaged(root: Sysroot, path: str) -> bool:
    """Whether a package owns it: what such a program names of its own, ``own-data`` brings."""
    database = packages(root)
    return database is not None and database.owner(path) is not None


def _candidates(root: Sysroot, program: str) -> Iterator[tuple[str, Node]]:
    """What lies beside the program, and in the data directories of its own prefix; never of a home or of what all packages fill."""
    homes = home_directories(root)
    directory, name = posixpath.split(program)
    prefix = posixpath.dirname(directory)
    tops = [directory]
    if posixpath.basename(directory) in _BINARIES:
        tops += [posixpath.join(prefix, data) for data in _DATA if posixpath.join(prefix, data) != directory]
    for top in tops:
        above = directory if top == directory else prefix
        if (places.is_shared(top) and prefix != "/usr/local") or places.is_home(above) or above in homes:
            continue
        node = root.lookup(top)
        names = root.list(node) if node is not None and node.kind == "directory" else ()
        for other in names if len(names) <= _MAX_NAMES else ():
            if other == name or other in _COMMON or _is_of_a_project(other):
                continue
            found = root.lookup(posixpath.join(top, other))
            if found is not None and found.kind in {"file", "directory"} and found.canonical != program:
                yield posixpath.join(top, other), found


def _is_of_a_project(name: str) -> bool:
    """Whether it is source, or what a build or a repository has anyhow."""
    stem, dot, ending = name.rpartition(".")
    return name in _PROJECTS or name.startswith(_PROJECT_STARTS) or bool(stem and dot and ending in _SOURCE_ENDINGS)


def _travels(node: Node, travelling: set[str]) -> bool:
    if node.kind == "file":
        return node.canonical in travelling
    return any(places.within(path, node.canonical) for path in travelling)


def _named(there: Mapping[str, Node], root: Sysroot, view: Elf) -> list[str]:
    """Those that the program's strings name: as a whole string, as a part of a path, or by a name that nothing else has."""
    inside = {
        path: [
            name for name in root.list(node)[:_MAX_INSIDE] if _DISTINCT.fullmatch(name) and not _is_of_a_project(name)
        ]
        for path, node in there.items()
        if node.kind == "directory"
    }
    wanted = {posixpath.basename(path) for path in there} | {name for names in inside.values() for name in names}
    runs = view.scan(tuple(sorted(wanted)))
    apart = not view.is_go()
    return [
        path
        for path, node in there.items()
        if _is_named(posixpath.basename(path), node, runs, apart=apart)
        or any(_stands_alone(name, runs.get(name, ())) for name in inside.get(path, ()))
    ]


def _is_named(name: str, node: Node, runs: Mapping[str, tuple[str, ...]], *, apart: bool) -> bool:
    found = runs.get(name, ())
    if _DISTINCT.fullmatch(name):
        return _stands_alone(name, found)
    if not apart or len(name) < 3:
        return False
    paths = (f"/{name}", f"{name}/", f"/{name}/")
    return any(
        (run == name and (node.kind == "directory" or bool(node.mode & 0o111))) or run in paths or _ends(run, name)
        for run in found
    )


def _ends(run: str, name: str) -> bool:
    """``../share/x`` and ``%s/x``: a path that is relative, or that the program completes, and ends with the name."""
    return run.endswith(f"/{name}") and run.startswith(
        ("..", "./", "%", "/share/", "/lib/", "share/", "lib/", "$ORIGIN")
    )


def _stands_alone(name: str, runs: tuple[str, ...]) -> bool:
    """Whether a distinct name stands in one of the strings with no letter of a longer name around it."""
    whole = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)")
    return any(whole.search(run) for run in runs)


def _line(program: Program, placed: str, named: list[str], files: list[str]) -> str:
    import shlex

    directory = posixpath.dirname(program.node.canonical)
    shown = [posixpath.relpath(path, directory) for path in named]
    shown += (posixpath.relpath(path, directory) for path in _alike(named, files))
    few = ", ".join(shown[:_FEW]) + (f" and {len(shown) - _FEW} more" if len(shown) > _FEW else "")
    if placed != program.path and posixpath.dirname(placed) == "/":
        climbs = any(path.startswith("../") for path in shown)
        placed = f"/app/{'bin/' if climbs else ''}{posixpath.basename(placed)}"
        at = f"--at {placed} "
    else:
        at = ""
    if len(shown) > _FEW:  # the directories that hold them
        tops = dict.fromkeys(posixpath.dirname(path) if "/" in path else "." for path in shown)
        shown = list(tops)
    typed = directory if program.node.links else posixpath.dirname(program.given)
    pairs = ((posixpath.normpath(posixpath.join(typed, path)), path) for path in shown)
    options = " ".join(
        f"--include {shlex.quote(f'{source}:{_joined(posixpath.dirname(placed), path)}')}" for source, path in pairs
    )
    return f"beside {program.given} stand {few}, which it names: {at}{options}"


def _alike(named: list[str], files: list[str]) -> list[str]:
    """Files called like a named one: of ``lib.d.ts`` also ``lib.es5.d.ts``, a name that the program makes at run time."""
    shapes = {
        (posixpath.dirname(path), *_shape(path)) for path in named if _DISTINCT.fullmatch(posixpath.basename(path))
    }
    return [path for path in files if path not in named and (posixpath.dirname(path), *_shape(path)) in shapes]


def _shape(path: str) -> tuple[str, str]:
    first, _, rest = posixpath.basename(path).partition(".")
    return first, rest.rpartition(".")[2]


def _joined(directory: str, relative: str) -> str:
    return posixpath.normpath(posixpath.join(directory, relative))
