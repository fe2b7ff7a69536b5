"""A Python script with all that it imports: its path and its interpreter's go in, files and misses come out (N44).

The standard library is one need of its own (N21) and is not walked; what lies in it counts as found.
"""

from __future__ import annotations

import posixpath
import sys
from typing import TYPE_CHECKING

from scratchpack.errors import InputError
from scratchpack.record import NamedTuple
from scratchpack.scripts.model import Import, Mention
from scratchpack.scripts.python.entry_points import entry_module
from scratchpack.scripts.python.environment import Environment, environment
from scratchpack.scripts.python.imports import Imported, PythonReading, read_python
from scratchpack.scripts.python.modules import Modules, PythonModule
from scratchpack.scripts.text import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.sysroot.model import Node, Sysroot

MAX_MODULES = 4000
MAX_BYTES = 32 << 20  # of all sources
_UNUSED = frozenset(
    {"test", "tests", "testing", "docs", "examples", "__pycache__"}
)  # of a package: not for who imports it


class PythonProgram(NamedTuple):
    """What a script imports, transitively.

    ``modules`` are files outside the standard library, packages' ``__init__`` with them. ``missing`` are imports found nowhere: those that
    are not ``optional`` stop the script when it is loaded. ``standard`` are modules of the standard library with the first place that imports each.
    """

    environment: Environment | None
    modules: tuple[str, ...]
    missing: tuple[Import, ...]
    mentions: tuple[Mention, ...]
    warnings: tuple[str, ...]
    standard: tuple[Import, ...] = ()


def python_program(root: Sysroot, script: Node, interpreter: str, given: tuple[Node, ...] = ()) -> PythonProgram:
    """Follow the imports of a script, started by ``interpreter`` (the path of its ``#!`` line).

    ``given`` are more sources that it may load (an app that its server is told of): what those import may be missing.

    Raises:
        ScriptError: the script itself is not Python 3 or passes a limit; of a module that is a warning.
    """
    found = environment(root, interpreter)
    reading = read_python(read(root, script))
    if found is None:
        return PythonProgram(None, (), (), (), (f"{interpreter}: no standard library is found for it",))
    return _Walk(root, script, found).run(reading, given)


class _Walk:
    def __init__(self, root: Sysroot, script: Node, env: Environment) -> None:
        self._root, self._script, self._env = root, script, env
        self._modules = Modules(root, env.version)
        self._path: tuple[str, ...] = (posixpath.dirname(script.canonical) or "/", *env.path)
        self._files: dict[str, None] = {}
        self._missing: dict[str, Import] = {}
        self._mentions: dict[Mention, None] = {}
        self._warnings: list[str] = []
        self._known: dict[str, tuple[PythonModule, ...] | None] = {}
        self._standard: dict[str, Import] = {}
        self._families: set[str] = set()  # packages whose modules were all looked into
        self._bytes = 0
        self._path_unknown = False

    def run(self, reading: PythonReading, given: tuple[Node, ...] = ()) -> PythonProgram:
        """Breadth first from the script."""
        ahead: list[tuple[str, str, bool, PythonReading]] = [
            (self._script.canonical, "", False, self._with_entry_points(reading)),
            *self._given(given),
        ]
        while ahead:
            file, package, optional, reading = ahead.pop(0)
            self._mentions.update(dict.fromkeys(self._named(file, reading)))
            self._extend(file, reading)
            if reading.by_name and package:
                ahead += self._family(file, package)
            for imported in reading.imports:
                doubtful = optional or bool(imported.why)
                for module, maybe in self._wanted(imported, package):
                    for found in self._find(module, file, imported.line, optional=doubtful, maybe=maybe):
                        below = self._read(found)
                        if below is not None:
                            own = found.name if found.below else found.name.rpartition(".")[0]
                            ahead.append((found.file or "", own, doubtful, below))
        return PythonProgram(
            self._env,
            tuple(self._files),
            tuple(self._missing.values()),
            tuple(self._mentions),
            tuple(self._warnings),
            tuple(self._standard.values()),
        )

    def _family(self, file: str, package: str) -> Iterator[tuple[str, str, bool, PythonReading]]:
        """The modules of a package in which one is imported by a name that only a run makes: such a name mostly means one of these."""
        top = posixpath.dirname(file)
        for _ in range(package.count(".")):
            top = posixpath.dirname(top)
        ahead = [(top, package.partition(".")[0])]
        while ahead:
            directory, name = ahead.pop()
            if name in self._families:
                continue
            self._families.add(name)
            node = self._root.lookup(directory, follow=False)
            for entry in self._root.list(node) if node is not None and node.kind == "directory" else ():
                path = f"{directory}/{entry}"
                if entry.endswith(".py") and path not in self._files:
                    below = self._read(PythonModule(f"{name}.{entry[:-3]}", path))
                    if below is not None:
                        yield path, name, True, below
                elif "." not in entry and entry not in _UNUSED:
                    ahead.append((path, f"{name}.{entry}"))

    def _with_entry_points(self, reading: PythonReading) -> PythonReading:
        """The modules of entry points as imports; one that no installed distribution has is a miss by the distribution's name."""
        found = (
            Imported(entry_module(self._root, self._env.site, *point[:3]) or point.requirement, 0, (), point.line)
            for point in reading.entry_points
        )
        return reading._replace(imports=(*reading.imports, *found))

    def _given(self, nodes: tuple[Node, ...]) -> Iterator[tuple[str, str, bool, PythonReading]]:
        """Sources beside the script: modules next to them are found from there, and they may never be loaded."""
        for node in nodes:
            try:
                reading = read_python(read(self._root, node), is_main=False)
            except InputError as error:
                self._warn(error.message)
                continue
            self._path = tuple(dict.fromkeys((*self._path, posixpath.dirname(node.canonical))))
            yield node.canonical, "", True, reading

    def _extend(self, file: str, reading: PythonReading) -> None:
        """What a source puts into ``sys.path`` holds for all that is imported after it."""
        more = tuple(Modules.beside(file, added.path) for added in reading.path)
        self._path = tuple(dict.fromkeys((*self._path, *more)))
        if reading.path_unknown and not self._path_unknown:
            self._path_unknown = True
            self._warn(f"{file}:{reading.path_unknown} changes sys.path in a way that only a run can show")

    def _wanted(self, imported: Imported, package: str) -> Iterator[tuple[str, bool]]:
        """Absolute names, and whether the name may be an attribute and no module."""
        if imported.level:
            parts = package.split(".") if package else []
            if imported.level > len(parts):
                return
            above = parts[: len(parts) - imported.level + 1]
            name = ".".join([*above, *([imported.module] if imported.module else [])])
        else:
            name = imported.module
        if name:
            yield name, False
            for part in imported.names:
                yield f"{name}.{part}", True

    def _find(self, name: str, file: str, line: int, *, optional: bool, maybe: bool) -> tuple[PythonModule, ...]:
        """The new modules of an import; a miss is kept with the place that asks for it."""
        top = name.partition(".")[0]
        if top in sys.builtin_module_names or top == "__main__":
            return ()
        if name not in self._known:
            self._known[name] = self._modules.find(name, self._path)
        chain = self._known[name]
        if chain is None:
            if not maybe:
                standard = top in sys.stdlib_module_names  # the interpreter may have it compiled in
                wanted = Import(name, file, line, optional=optional or standard or self._path_unknown)
                old = self._missing.get(name)
                if old is None or (old.optional and not wanted.optional):
                    self._missing[name] = wanted
            return ()
        if self._is_standard(chain[-1].file or ""):
            self._standard.setdefault(name, Import(name, file, line, optional))
        return tuple(module for module in chain if module.file is not None and module.file not in self._files)

    def _read(self, module: PythonModule) -> PythonReading | None:
        """What a module imports; ``None`` for what has no source, is known, or belongs to the standard library."""
        file = module.file or ""
        if self._is_standard(file) or file in self._files:
            return None
        if len(self._files) >= MAX_MODULES:
            self._warn(f"{self._script.canonical} imports over {MAX_MODULES} modules: the others were not looked into")
            return None
        self._files[file] = None
        node = self._root.lookup(file)
        if not module.is_source or node is None:
            return None
        self._bytes += node.size
        if self._bytes > MAX_BYTES:
            self._warn(f"{self._script.canonical} imports over {MAX_BYTES >> 20} MiB: not all was looked into")
            return None
        try:
            return read_python(read(self._root, node), is_main=False)
        except InputError as error:
            self._warn(error.message)
            return None

    def _is_standard(self, file: str) -> bool:
        stdlib = self._env.stdlib + "/"
        return file.startswith(stdlib) and not file.startswith((stdlib + "site-packages/", stdlib + "dist-packages/"))

    def _named(self, file: str, reading: PythonReading) -> Iterator[Mention]:
        for named in reading.beside:
            yield Mention(Modules.beside(file, named.path), "root", "named", file, named.line)

    def _warn(self, text: str) -> None:
        if text not in self._warnings:
            self._warnings.append(text)
