"""A Node script with its package: a path goes in; the packages that travel, the modules it loads and the misses come out (N45)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.errors import InputError
from scratchpack.record import NamedTuple
from scratchpack.scripts.model import Import, Mention
from scratchpack.scripts.node.imports import NodeReading, read_javascript
from scratchpack.scripts.node.resolve import Resolver, above
from scratchpack.scripts.text import read

if TYPE_CHECKING:
    from scratchpack.sysroot.model import Node, Sysroot

MAX_MODULES = 4000
MAX_BYTES = 16 << 20
MAX_PACKAGES = 5000


class NodePackage(NamedTuple):
    """One package directory, with what a bill of materials says of it."""

    directory: str
    name: str
    version: str


class NodeProgram(NamedTuple):
    """``package`` is the directory of the script's own ``package.json``; ``packages`` are it and its production dependencies, transitively."""

    package: str | None
    packages: tuple[NodePackage, ...]
    modules: tuple[str, ...]
    missing: tuple[Import, ...]
    mentions: tuple[Mention, ...]
    warnings: tuple[str, ...]


def node_program(root: Sysroot, script: Node) -> NodeProgram:
    """Follow a script by its real path: a link of ``bin/`` leads to its package.

    Raises:
        ScriptError: the script itself passes a limit; of a module that is a warning.
    """
    return _Walk(root, script).run()


class _Walk:
    def __init__(self, root: Sysroot, script: Node) -> None:
        self._root, self._script = root, script
        self._resolver = Resolver(root)
        self._missing: dict[str, Import] = {}
        self._mentions: dict[Mention, None] = {}
        self._warnings: dict[str, None] = {}

    def run(self) -> NodeProgram:
        """The packages by what they declare, the modules by what they ask for."""
        own = self._resolver.nearest(self._script.canonical)
        packages = self._packages(own) if own is not None else ()
        modules = self._modules()
        warnings = tuple(dict.fromkeys((*self._warnings, *self._resolver.unread)))
        return NodeProgram(own, packages, modules, tuple(self._missing.values()), tuple(self._mentions), warnings)

    def _packages(self, own: str) -> tuple[NodePackage, ...]:
        found: dict[str, NodePackage] = {}
        ahead = [own]
        while ahead and len(found) < MAX_PACKAGES:
            directory = ahead.pop(0)
            if directory in found:
                continue
            said = self._resolver.package(directory)
            found[directory] = NodePackage(directory, str(said.get("name", "")), str(said.get("version", "")))
            optional = _names(said.get("optionalDependencies"))
            peers = _names(said.get("peerDependencies"))
            for name in dict.fromkeys((*_names(said.get("dependencies")), *optional, *peers)):
                place = self._installed(name, directory)
                if place is not None:
                    ahead.append(place)
                elif name not in optional and name not in peers:
                    file = posixpath.join(directory, "package.json")
                    self._missing.setdefault(name, Import(name, file, 1))
        return tuple(found.values())

    def _installed(self, name: str, directory: str) -> str | None:
        if "\0" in name or name.startswith((".", "/")) or ".." in name.split("/"):
            return None
        for place in above(directory):
            node = self._root.lookup(f"{place}/node_modules/{name}")
            if node is not None and node.kind == "directory":
                return node.canonical
        return None

    def _modules(self) -> tuple[str, ...]:
        known: dict[str, None] = {self._script.canonical: None}
        ahead = [(self._script, False)]
        total = 0
        while ahead:
            node, optional = ahead.pop(0)
            total += node.size
            if total > MAX_BYTES or len(known) > MAX_MODULES:
                self._warnings[
                    f"{self._script.canonical} loads over {MAX_MODULES} modules or {MAX_BYTES >> 20} MiB: not all was looked into"
                ] = None
                break
            reading = self._read(node)
            for path, line in reading.beside:
                place = posixpath.normpath(posixpath.join(posixpath.dirname(node.canonical), path))
                self._mentions[Mention(place, "root", "named", node.canonical, line)] = None
            for asked in reading.required:
                found = self._resolver.resolve(asked.specifier, node.canonical, asked.how)
                doubtful = optional or bool(asked.why)
                if found is None:
                    self._miss(asked.specifier, node.canonical, asked.line, optional=doubtful)
                elif found and found not in known:
                    known[found] = None
                    below = self._root.lookup(found)
                    if below is not None and not found.endswith((".json", ".node", ".wasm")):
                        ahead.append((below, doubtful))
        return tuple(known)

    def _read(self, node: Node) -> NodeReading:
        try:
            return read_javascript(read(self._root, node))
        except InputError as error:
            if node == self._script:
                raise
            self._warnings[error.message] = None
            return NodeReading((), (), ())

    def _miss(self, name: str, file: str, line: int, *, optional: bool) -> None:
        old = self._missing.get(name)
        if old is None or (old.optional and not optional):
            self._missing[name] = Import(name, file, line, optional)


def _names(table: object) -> tuple[str, ...]:
    return tuple(name for name in table if isinstance(name, str)) if isinstance(table, dict) else ()
