"""Where Node finds a module: a specifier and the asking file go in, a file comes out (Node's documentation: "Modules", "Packages").

``node_modules`` directories from the asking file's real directory upwards, ``exports`` with the conditions node, import or require, and default,
then ``main``, then ``index``. A link (pnpm's, or of a workspace) is followed to its real place, as Node does.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from scratchpack import foreign
from scratchpack.errors import InputError
from scratchpack.scripts.text import ScriptError, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.sysroot.model import Node, Sysroot

MAX_JSON = 4 << 20
MAX_DEPTH = 16  # of exports within exports
MAX_TARGET = 4096  # characters of a target once its stars are replaced: no path is longer
_EXTENSIONS = (".js", ".json", ".node")
BUILTINS = frozenset(
    [
        "assert",
        "async_hooks",
        "buffer",
        "child_process",
        "cluster",
        "console",
        "constants",
        "crypto",
        "dgram",
        "diagnostics_channel",
        "dns",
        "domain",
        "events",
        "fs",
        "http",
        "http2",
        "https",
        "inspector",
        "module",
        "net",
        "os",
        "path",
        "perf_hooks",
        "process",
        "punycode",
        "querystring",
        "readline",
        "repl",
        "stream",
        "string_decoder",
        "sys",
        "timers",
        "tls",
        "trace_events",
        "tty",
        "url",
        "util",
        "v8",
        "vm",
        "wasi",
        "worker_threads",
        "zlib",
    ]
)


class Resolver:
    """Resolves in one root; every ``package.json`` is read once."""

    def __init__(self, root: Sysroot) -> None:
        self._root = root
        self._packages: dict[str, dict[str, Any]] = {}
        self.unread: list[str] = []  # why a ``package.json`` counts as empty, a sentence each

    def resolve(self, specifier: str, asker: str, how: str) -> str | None:
        """The real path of a module; "" for one that is part of Node; ``None`` where there is none."""
        if specifier.startswith("node:") or specifier.partition("/")[0] in BUILTINS:
            return ""
        directory = posixpath.dirname(asker)
        if specifier.startswith(("./", "../", "/")) or specifier in {".", ".."}:
            return self._file_or_directory(posixpath.normpath(posixpath.join(directory, specifier)))
        if specifier.startswith("#"):
            return self._internal(specifier, asker, how)
        parts = specifier.split("/")
        count = 2 if specifier.startswith("@") else 1
        name, below = "/".join(parts[:count]), "/".join(parts[count:])
        own = self.nearest(asker)
        if own is not None and self.package(own).get("name") == name and "exports" in self.package(own):
            return self._exported(own, below, how)
        for place in above(directory):
            package = self._directory(f"{place}/node_modules/{name}")
            if package is not None:
                return self._in_package(package, below, how)
            if not below and (file := self._file(f"{place}/node_modules/{name}")) is not None:
                return file
        return None

    def nearest(self, path: str) -> str | None:
        """The directory of the nearest ``package.json`` at or above a file's."""
        for place in above(posixpath.dirname(path)):
            if posixpath.basename(place) == "node_modules":
                return None
            if self._regular(f"{place}/package.json") is not None:
                return place or "/"
        return None

    def package(self, directory: str) -> dict[str, Any]:
        """What a ``package.json`` says; empty where it cannot be read, which :attr:`unread` then says."""
        if directory not in self._packages:
            node = self._regular(f"{directory}/package.json")
            self._packages[directory] = {} if node is None else self._read(node)
        return self._packages[directory]

    def _read(self, node: Node) -> dict[str, Any]:
        def fault(why: str) -> ScriptError:
            return ScriptError(f"cannot read {node.canonical}: {why}")

        try:
            data = read(self._root, node, MAX_JSON).data
            return foreign.json_document(data, fault, limit=MAX_JSON).as_object()
        except InputError as error:
            self.unread.append(error.message)
            return {}

    def _internal(self, specifier: str, asker: str, how: str) -> str | None:
        own = self.nearest(asker)
        imports = self.package(own).get("imports") if own is not None else None
        target = _target(_match(imports, specifier), how) if isinstance(imports, dict) else None
        if own is None or target is None or target.startswith("#"):  # one name of the table may not lead to another
            return None
        return (
            self._file(posixpath.normpath(f"{own}/{target}"))
            if target.startswith(".")
            else self.resolve(target, f"{own}/x", how)
        )

    def _in_package(self, package: str, below: str, how: str) -> str | None:
        if self.package(package).get("exports") is not None:
            return self._exported(package, below, how)
        if below:
            return self._file_or_directory(f"{package}/{below}")
        return self._main(package)

    def _exported(self, package: str, below: str, how: str) -> str | None:
        exports = self.package(package).get("exports")
        key = f"./{below}" if below else "."
        if not isinstance(exports, dict) or not any(str(name).startswith(".") for name in exports):
            exports = {".": exports}
        target = _target(_match(exports, key), how)
        return self._file(posixpath.normpath(f"{package}/{target}")) if target is not None else None

    def _main(self, directory: str) -> str | None:
        main = self.package(directory).get("main")
        if isinstance(main, str) and main:
            found = self._file_or_directory(posixpath.normpath(f"{directory}/{main}"), main=False)
            if found is not None:
                return found
        return self._index(directory)

    def _file_or_directory(self, path: str, *, main: bool = True) -> str | None:
        file = self._file(path)
        if file is not None:
            return file
        directory = self._directory(path)
        if directory is None:
            return None
        return self._main(directory) if main else self._index(directory)

    def _index(self, directory: str) -> str | None:
        found = (self._regular(f"{directory}/index{extension}") for extension in _EXTENSIONS)
        return next((node.canonical for node in found if node is not None), None)

    def _file(self, path: str) -> str | None:
        found = (self._regular(path + extension) for extension in ("", *_EXTENSIONS))
        return next((node.canonical for node in found if node is not None), None)

    def _regular(self, path: str) -> Node | None:
        node = self._root.lookup(path) if "\0" not in path else None
        return node if node is not None and node.kind == "file" else None

    def _directory(self, path: str) -> str | None:
        node = self._root.lookup(path) if "\0" not in path else None
        return node.canonical if node is not None and node.kind == "directory" else None


def above(directory: str) -> Iterator[str]:
    """A directory and those above it, "" for the root, so that a name can be put behind each."""
    place = directory.rstrip("/")
    while True:
        yield place
        if not place:
            return
        place = posixpath.dirname(place).rstrip("/")


def _match(table: dict[str, Any], key: str) -> Any:
    """The entry of ``exports`` or ``imports`` for a key, a pattern with one ``*`` among them: the longest prefix wins."""
    if key in table:
        return table[key]
    best: tuple[int, Any] = (-1, None)
    for pattern, value in table.items():
        prefix, star, suffix = pattern.partition("*")
        if (
            star
            and key.startswith(prefix)
            and key.endswith(suffix)
            and len(key) >= len(pattern)
            and len(prefix) > best[0]
        ):
            best = (len(prefix), _starred(value, key[len(prefix) : len(key) - len(suffix)]))
    return best[1]


def _starred(value: Any, text: str, depth: int = 0) -> Any:
    if isinstance(value, str):
        whole = len(value) + value.count("*") * len(text)
        return value.replace("*", text) if whole < MAX_TARGET else None
    if isinstance(value, dict) and depth < MAX_DEPTH:
        return {key: _starred(inner, text, depth + 1) for key, inner in value.items()}
    return value


def _target(value: Any, how: str, depth: int = 0) -> str | None:
    """The first target whose condition holds, in the order they are written."""
    if isinstance(value, str):
        return value
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, list):
        return next((found for item in value[:MAX_DEPTH] if (found := _target(item, how, depth + 1)) is not None), None)
    if isinstance(value, dict):
        for condition, inner in value.items():
            if (
                condition in {"node", "default", "node-addons", "module-sync", how}
                and (found := _target(inner, how, depth + 1)) is not None
            ):
                return found
    return None
