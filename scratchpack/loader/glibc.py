"""glibc's search order, rule for rule (``elf/dl-load.c``, ``elf/dl-cache.c``): R2-R9, R13, R14, R18, R21."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from scratchpack.errors import InputError
from scratchpack.loader.cache import accepted_flags
from scratchpack.loader.config import preload_names, read_text
from scratchpack.loader.model import FoundBy, Searched
from scratchpack.loader.search import Found, Loaded, LoopError, Place, Surroundings, origin
from scratchpack.loader.tokens import Expanded, Tokens, expand, search_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scratchpack.sysroot.model import Node

DF_1_NODEFLIB = 0x800


class _Above(NamedTuple):
    """Who led to an object: the nearest with an RPATH, and whether the program is among them all."""

    owner: Loaded | None
    by_program: bool


class Glibc:
    """The rules of one process under glibc's loader."""

    musl = False

    def __init__(self, around: Surroundings, program_origin: str | None) -> None:
        self._around = around
        self._origin = program_origin
        self._program: Loaded | None = None
        self._names: dict[str, Loaded] = {}
        self._inodes: dict[tuple[int, int, int], Loaded] = {}
        self._lists: dict[tuple[int, str], tuple[Place, ...]] = {}
        self._paths: dict[int, frozenset[str]] = {}  # of an object: what its own requests with $ORIGIN become
        self._above: dict[int, _Above] = {}
        self._system = tuple(
            Place(directory, around.root, FoundBy.DEFAULT, "default") for directory in around.defaults.directories
        )
        self.by_platform = False
        self.read: list[Node] = []  # what the loader itself reads, and needs in the image

    def preloads(self) -> tuple[tuple[str, str], ...]:
        """LD_PRELOAD, then the image's ``/etc/ld.so.preload``; the host's own must not leak into a plan (R14)."""
        env = self._around.env
        found = [] if env.secure else [(name, "LD_PRELOAD") for name in re.split("[ :]+", env.preload or "") if name]
        path = self._around.defaults.preload
        if path is not None and self._around.root.name != "/":
            try:
                text = read_text(self._around.root, path)
            except InputError:
                text = None
            found += [(name, path) for name in preload_names(text[1] if text else "")]
            self.read = [text[0]] if text else []
        return tuple(found)

    def _tokens(self, requester: Loaded) -> Tokens:
        own = self._origin if requester is self._program else origin(requester.path, self._around.env.working_dir)
        return Tokens(own, self._around.defaults.lib, self._around.processor.platform)

    def audits(self) -> tuple[tuple[str, str], ...]:
        """LD_AUDIT, then the program's DT_AUDIT and DT_DEPAUDIT: colons separate (R14)."""
        env, facts = self._around.env, self._program.facts if self._program else None
        lists = [(None if env.secure else env.audit, "LD_AUDIT")]
        if facts is not None:
            lists += [(facts.audit, "DT_AUDIT"), (facts.depaudit, "DT_DEPAUDIT")]
        return tuple((name, via) for text, via in lists for name in (text or "").split(":") if name)

    def _trusted(self, element: Expanded, owner: Loaded) -> bool:
        """Under AT_SECURE the program's ``$ORIGIN`` must lead into a default directory (R6)."""
        if not (self._around.env.secure and element.by_origin and owner is self._program):
            return True
        return self._in_system_directory(posixpath.normpath(element.text) + "/")

    def _note(self, expanded: Expanded) -> Expanded:
        self.by_platform = self.by_platform or expanded.by_platform
        return expanded

    def name(self, text: str, requester: Loaded) -> str | None:
        """Tokens of a request are expanded, also where a name has no slash before (R6, R7)."""
        expanded = expand(text, self._tokens(requester))
        if expanded is None or not self._trusted(expanded, requester):
            return None
        return self._note(expanded).text

    def match(self, name: str) -> Loaded | None:
        """Every name an object was asked for by, the path it was found at, and its DT_SONAME (R2)."""
        return self._names.get(name)

    def same(self, found: Found, name: str) -> Loaded | None:
        """One device and inode is one object; it answers to the new name from now on (R2)."""
        known = self._inodes.get(found.node.inode)
        if known is not None:
            self._names.setdefault(name, known)
        return known

    def substitute(self, found: Found) -> Loaded | None:  # noqa: ARG002 -- the rule of musl needs it
        """Nothing stands in for another file."""
        return None

    def add(self, loaded: Loaded, name: str, *, program: bool = False) -> None:
        """The first object with a name keeps it."""
        if program:
            self._program = loaded
        else:
            self._inodes.setdefault(loaded.node.inode, loaded)
            self._names.setdefault(name, loaded)
            self._names.setdefault(loaded.path, loaded)
        if loaded.facts.soname is not None:
            self._names.setdefault(loaded.facts.soname, loaded)

    def find(self, name: str, requester: Loaded, trail: list[Searched]) -> Found | None:
        """R5: RPATH chain, LD_LIBRARY_PATH, RUNPATH, cache, default directories; a name with a slash is a path (R7)."""
        if "/" in name:
            return self._open(name, requester, trail)
        for places in self._stages(requester):
            found = self._directories(name, places, trail)
            if found is not None:
                return found
        found = self._cached(name, requester, trail)
        if found is None and not requester.facts.flags_1 & DF_1_NODEFLIB:  # R18
            found = self._directories(name, self._system, trail)
        return found

    def _open(self, name: str, requester: Loaded, trail: list[Searched]) -> Found | None:
        if id(requester) not in self._paths:
            named = (self.name(r.name, requester) for r in requester.facts.requests if "ORIGIN" in r.name)
            self._paths[id(requester)] = frozenset(path for path in named if path is not None)
        by_origin = name in self._paths[id(requester)]
        root = requester.root if by_origin else self._around.root
        try:
            return self._around.probe(
                name, Place("", root, FoundBy.PATH, "a path, opened as it is", by_origin), trail, musl=False
            )
        except LoopError:
            return None

    def _stages(self, requester: Loaded) -> Sequence[tuple[Place, ...]]:
        stages: list[tuple[Place, ...]] = []
        if requester.facts.runpath is None:  # R3: a RUNPATH anywhere silences the RPATH of that object alone
            stages.append(self._list(requester, FoundBy.RPATH))
            above = self._loaders(requester)
            owner = above.owner
            while owner is not None:
                self._around.objects.budget.step()
                stages.append(self._list(owner, FoundBy.RPATH))
                owner = self._loaders(owner).owner
            if self._program is not None and requester is not self._program and not above.by_program:
                stages.append(self._list(self._program, FoundBy.RPATH))
        if self._program is not None:
            stages.append(self._list(self._program, FoundBy.LD_LIBRARY_PATH))
        stages.append(self._list(requester, FoundBy.RUNPATH))  # R4: never inherited
        return stages

    def _loaders(self, requester: Loaded) -> _Above:
        """The nearest of those who led to an object that has an RPATH of its own: a chain may be thousands long."""
        pending: list[Loaded] = []
        at: Loaded | None = requester
        while at is not None and id(at) not in self._above:
            pending.append(at)
            at = at.loader
        for each in reversed(pending):
            if each.loader is None:
                self._above[id(each)] = _Above(None, by_program=False)
                continue
            known = self._above[id(each.loader)]
            owner = each.loader if self._list(each.loader, FoundBy.RPATH) else known.owner
            self._above[id(each)] = _Above(owner, by_program=known.by_program or each.loader is self._program)
        return self._above[id(requester)]

    def _list(self, owner: Loaded, kind: FoundBy) -> tuple[Place, ...]:
        key = (id(owner), kind.value)
        if key not in self._lists:
            self._lists[key] = self._expand_list(owner, kind)
        return self._lists[key]

    def _expand_list(self, owner: Loaded, kind: FoundBy) -> tuple[Place, ...]:
        if kind is FoundBy.LD_LIBRARY_PATH:
            text = None if self._around.env.secure else self._around.env.library_path
            separators, via = ":;", "LD_LIBRARY_PATH"
        elif kind is FoundBy.RUNPATH:
            text, separators, via = owner.facts.runpath, ":", f"runpath of {owner.path}"
        else:
            text = owner.facts.rpath if owner.facts.runpath is None else None
            separators, via = ":", f"rpath of {owner.path}"
        return tuple(
            Place(
                self._note(element).text,
                owner.root if element.by_origin else self._around.root,
                kind,
                via,
                element.by_origin,
            )
            for element in search_list(text or "", self._tokens(owner), separators)
            if self._trusted(element, owner)
        )

    def _directories(self, name: str, places: tuple[Place, ...], trail: list[Searched]) -> Found | None:
        around = self._around
        try:
            for place in places:
                present = around.objects.variants(place.root, place.directory, around.env.working_dir, around.machine)
                prefix = place.directory.rstrip("/") + "/" if place.directory else ""
                if present:  # R9: directory by directory, the best variant of each first
                    around.seen.update(present)
                    for sub in around.processor.subdirectories:
                        first, second = sub.split("/")[:2]
                        if first in present or second in present:
                            found = around.probe(f"{prefix}{sub}{name}", place, trail, musl=False)
                            if found is not None:
                                return found
                found = around.probe(f"{prefix}{name}", place, trail, musl=False)
                if found is not None:
                    return found
        except LoopError:
            return None  # R11: this list ends, later stages are still tried
        return None

    def _cached(self, name: str, requester: Loaded, trail: list[Searched]) -> Found | None:
        around = self._around
        if around.defaults.cache is None:
            return None
        order = "little" if around.wanted.elf_data == 1 else "big"
        cache = around.objects.cache(around.root, around.defaults.cache, order)
        if cache is None:
            return None
        hit = cache.lookup(name, accepted_flags(around.machine, around.wanted.flags), around.processor)
        around.seen.update(hit.others)
        if hit.path is None:
            trail.append(Searched(around.defaults.cache, "ld.so.cache", "no entry"))
            return None
        if requester.facts.flags_1 & DF_1_NODEFLIB and self._in_system_directory(hit.path):
            trail.append(Searched(hit.path, "ld.so.cache", "in a default directory, which DF_1_NODEFLIB excludes"))
            return None
        try:
            return around.probe(hit.path, Place("", around.root, FoundBy.CACHE, "ld.so.cache"), trail, musl=False)
        except LoopError:
            return None

    def _in_system_directory(self, path: str) -> bool:
        return any(path.startswith(directory.rstrip("/") + "/") for directory in self._around.defaults.directories)
