"""Where a module is: its dotted name and a search path go in, the files that its import reads come out (PEP 420, PEP 3149)."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.errors import InputError
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scratchpack.sysroot.model import Sysroot

_TAG = re.compile(r"\.(?:cpython-(\d)(\d+)t?(?:-[\w-]+)?\.|abi3\.)?so\Z")


class PythonModule(NamedTuple):
    """One module of a dotted name. ``file`` is ``None`` for a namespace package; ``below`` are a package's own directories."""

    name: str
    file: str | None
    below: tuple[str, ...] = ()

    @property
    def is_source(self) -> bool:
        """Whether its imports can be read."""
        return self.file is not None and self.file.endswith(".py")


class Modules:
    """Finds modules in one environment; every directory is listed once."""

    def __init__(self, root: Sysroot, version: str) -> None:
        self._root, self._version = root, version.replace(".", "")
        self._lists: dict[str, frozenset[str]] = {}

    def find(self, name: str, path: Sequence[str]) -> tuple[PythonModule, ...] | None:
        """The packages above and the module itself, in the order they are imported; ``None`` where one is nowhere."""
        found: list[PythonModule] = []
        at: Sequence[str] = path
        for end, part in enumerate(parts := name.split("."), 1):
            module = self._one(".".join(parts[:end]), part, at)
            if module is None:
                return None
            found.append(module)
            at = module.below
        return tuple(found)

    def _one(self, name: str, part: str, path: Sequence[str]) -> PythonModule | None:
        portions: list[str] = []
        for directory in path:
            names = self._names(directory)
            if part in names and (inside := self._names(f"{directory}/{part}")):
                init = self._file(f"{directory}/{part}", "__init__", inside)
                if init is not None:
                    return PythonModule(name, init, (f"{directory}/{part}",))
            file = self._file(directory, part, names)
            if file is not None:
                return PythonModule(name, file)
            if part in names and self._is_directory(f"{directory}/{part}"):
                portions.append(f"{directory}/{part}")
        return PythonModule(name, None, tuple(portions)) if portions else None

    def _file(self, directory: str, part: str, names: frozenset[str]) -> str | None:
        """An extension module before a source before bytecode, as ``FileFinder`` has them."""
        for name in sorted(n for n in names if n.startswith(part + ".") and n.endswith(".so")):
            match = _TAG.fullmatch(name[len(part) :])
            if match and (match[1] is None or match[1] + match[2] == self._version):
                return f"{directory}/{name}"
        for name in (f"{part}.py", f"{part}.pyc"):
            if name in names:
                return f"{directory}/{name}"
        return None

    def _is_directory(self, path: str) -> bool:
        node = self._root.lookup(path)
        return node is not None and node.kind == "directory"

    def _names(self, directory: str) -> frozenset[str]:
        if directory not in self._lists:
            try:
                node = self._root.lookup(directory)
                names = self._root.list(node) if node is not None and node.kind == "directory" else ()
            except InputError:
                names = ()
            self._lists[directory] = frozenset(names)
        return self._lists[directory]

    @staticmethod
    def beside(file: str, relative: str) -> str:
        """A path named relative to a source's own directory."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(file), relative))
