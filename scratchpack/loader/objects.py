"""Everything a run reads, read once: facts by inode, the loader's constants, its cache, names that were looked up."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.elf.budget import RUN, Budget
from scratchpack.elf.reader import read_elf
from scratchpack.elf.views import Views
from scratchpack.errors import ConfinementError, InputError
from scratchpack.loader.cache import MAX_CACHE, Cache, read_cache
from scratchpack.loader.candidates import Judged, Outcome, Wanted, judge_glibc, judge_musl
from scratchpack.loader.defaults import Defaults, read_build, read_defaults
from scratchpack.loader.hwcaps import HWCAPS_DIR, NAMES, first_components

if TYPE_CHECKING:
    from scratchpack.elf.evidence import Elf
    from scratchpack.elf.model import ElfFacts
    from scratchpack.sysroot.model import Node, Sysroot

Inode = tuple[int, int, int]
_NODE = 200  # bytes that a remembered name takes besides its letters


class Objects:
    """The facts cache that all programs and needs of one run share, and what the run may cost.

    Every method raises :class:`scratchpack.errors.LimitError` once the files together ask for too much (S4).
    """

    def __init__(self, budget: Budget | None = None, views: Views | None = None) -> None:
        self.budget = budget or Budget("these files", RUN)
        self._facts: dict[Inode, ElfFacts | InputError] = {}
        self._headers: dict[Inode, bytes | Judged] = {}
        self._defaults: dict[Inode, Defaults] = {}
        self.views = views or Views(self.budget)
        self._builds: dict[Inode, str | None] = {}
        self._caches: dict[tuple[int, str, str], Cache | None] = {}
        self._nodes: dict[tuple[int, str, str], Node | ConfinementError | None] = {}
        self._variants: dict[tuple[int, str, str, str], frozenset[str]] = {}
        self._roots: dict[int, Sysroot] = {}  # keeps each root alive, so that its id stays its own

    def facts(self, root: Sysroot, node: Node) -> ElfFacts:
        """The facts of a regular file.

        Raises:
            InputError: it is not an ELF file that can be loaded; the same error every time.
        """
        known = self._facts.get(node.inode)
        if known is None:
            try:
                with root.open(node) as stream:
                    known = read_elf(stream, origin=node.canonical, budget=self.budget.file(node.canonical))
            except InputError as error:
                known = error
            self._facts[node.inode] = known
        if isinstance(known, InputError):
            raise known
        return known

    def elf(self, root: Sysroot, node: Node) -> Elf:
        """The lazy evidence view of a file whose facts are good: symbols and notes, each read once."""
        return self.views.of(root, node, self.facts(root, node))

    def build(self, root: Sysroot, node: Node) -> str | None:
        """Which build of glibc a loader or C library says it is (R27)."""
        if node.inode not in self._builds:
            with root.open(node) as stream:
                self._builds[node.inode] = read_build(stream)
        return self._builds[node.inode]

    def lookup(self, root: Sysroot, path: str, cwd: str = "/") -> Node | None:
        """``root.lookup``, each name once a run.

        Raises:
            ConfinementError: a symbolic link loop.
        """
        key = (self._key(root), path, "/" if path.startswith("/") else cwd)
        if key not in self._nodes:
            self.budget.look_up()
            self.budget.keep(_NODE + len(path))
            try:
                self._nodes[key] = root.lookup(path, cwd=cwd)
            except ConfinementError as error:
                self._nodes[key] = error
        node = self._nodes[key]
        if isinstance(node, ConfinementError):
            raise node
        return node

    def judge(self, root: Sysroot, node: Node, wanted: Wanted, *, musl: bool) -> Judged:
        """The loader's verdict on the header of a file that it found (R11, S6)."""
        if node.kind != "file":
            why = "Is a directory" if node.kind == "directory" else f"a {node.kind}, not a regular file"
            return Judged(Outcome.FATAL, why)
        known = self._headers.get(node.inode)
        if known is None:
            try:
                with root.open(node) as stream:
                    known = stream.read(64)
            except InputError as error:
                known = Judged(Outcome.FATAL, error.message)
            self._headers[node.inode] = known
        if isinstance(known, Judged):
            return known
        return judge_musl(known, wanted) if musl else judge_glibc(known, wanted)

    def defaults(self, root: Sysroot, node: Node) -> Defaults:
        """The constants of the loader that this node is."""
        if node.inode not in self._defaults:
            with root.open(node) as stream:
                self._defaults[node.inode] = read_defaults(stream)
        return self._defaults[node.inode]

    def cache(self, root: Sysroot, path: str, byte_order: str) -> Cache | None:
        """The loader's cache, or ``None`` where it is missing or garbage: both are silently ignored (R8)."""
        key = (self._key(root), path, byte_order)
        if key not in self._caches:
            self._caches[key] = self._read_cache(root, path, byte_order)
        return self._caches[key]

    def _read_cache(self, root: Sysroot, path: str, byte_order: str) -> Cache | None:
        try:
            node = self.lookup(root, path)
            if node is None or node.kind != "file" or node.size > MAX_CACHE:
                return None
            with root.open(node) as stream:
                return read_cache(stream, byte_order, self.budget)
        except InputError:
            return None

    def variants(self, root: Sysroot, directory: str, cwd: str, machine: str) -> frozenset[str]:
        """Which hwcaps subdirectories a search directory has: glibc-hwcaps names and legacy first components (R9)."""
        key = (self._key(root), directory, cwd, machine)
        if key not in self._variants:
            directory = directory or "."
            found = {name for name in first_components(machine) if self._is_directory(root, f"{directory}/{name}", cwd)}
            for outer in found - {HWCAPS_DIR}:  # legacy names nest: tls/haswell/x86_64
                found |= {
                    n for n in first_components(machine) if self._is_directory(root, f"{directory}/{outer}/{n}", cwd)
                }
            if HWCAPS_DIR in found:
                found.remove(HWCAPS_DIR)
                inside = posixpath.join(directory, HWCAPS_DIR)
                found |= {n for n in NAMES.get(machine, ()) if self._is_directory(root, f"{inside}/{n}", cwd)}
            self._variants[key] = frozenset(found)
        return self._variants[key]

    def _is_directory(self, root: Sysroot, path: str, cwd: str) -> bool:
        try:
            node = self.lookup(root, path, cwd)
        except ConfinementError:
            return False
        return node is not None and node.kind == "directory"

    def _key(self, root: Sysroot) -> int:
        self._roots[id(root)] = root
        return id(root)
