"""musl's search order, rule for rule (``ldso/dynlink.c``): R2, R3, R6, R7, R11, R14, R19, R21."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack.errors import InputError
from scratchpack.loader.config import musl_path_file, read_text
from scratchpack.loader.model import FoundBy
from scratchpack.loader.search import FatalCandidateError, Found, Loaded, LoopError, Place, Surroundings, origin
from scratchpack.loader.tokens import musl_search_list, musl_split

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.loader.model import Searched
    from scratchpack.sysroot.model import Node

_RESERVED = re.compile(r"lib(?:c|pthread|rt|m|dl|util|xnet)\.")
NAME_MAX = 255


class Musl:
    """The rules of one process under musl's loader, which is its C library too."""

    musl = True
    by_platform = False

    def __init__(self, around: Surroundings, program_origin: str | None) -> None:
        self._around = around
        self._origin = program_origin
        self._program: Loaded | None = None
        self._own: Loaded | None = None
        self._names: dict[str, Loaded] = {}
        self._inodes: dict[tuple[int, int, int], Loaded] = {}
        self._above: dict[int, Loaded | None] = {}
        self._lists: dict[int, tuple[Place, ...]] = {}
        self._system: tuple[Place, ...] | None = None
        self.read: list[Node] = []  # what the loader itself reads, and needs in the image

    def preloads(self) -> tuple[tuple[str, str], ...]:
        """LD_PRELOAD alone; a missing one is silent (R14)."""
        return tuple(
            (name, "LD_PRELOAD") for name in re.split("[ \t\n\v\f\r:]+", self._around.env.preload or "") if name
        )

    def audits(self) -> tuple[tuple[str, str], ...]:
        """None: musl ignores LD_AUDIT and DT_AUDIT (R14)."""
        return ()

    def name(self, text: str, requester: Loaded) -> str | None:  # noqa: ARG002 -- the rule of glibc needs it
        """No tokens in requests (R7)."""
        return text

    def match(self, name: str) -> Loaded | None:
        """The loader for its reserved names and its own path; else the file name of an earlier *search* (R2, R19)."""
        if _RESERVED.match(name) or name == self._around.interpreter:
            return self._own
        if "/" in name:
            return None
        return self._names.get(name)

    def same(self, found: Found, name: str) -> Loaded | None:
        """One device and inode is one object; a search gives it the short name it lacked (R2)."""
        loaded = self._inodes.get(found.node.inode)
        if loaded is not None and loaded.shortname is None and "/" not in name:
            self._shorten(loaded)
        return loaded

    def _shorten(self, loaded: Loaded) -> None:
        loaded.shortname = loaded.path.rpartition("/")[2]
        self._names.setdefault(loaded.shortname, loaded)

    def substitute(self, found: Found) -> Loaded | None:
        """The loader itself in place of any other C library, told by what it defines (R19)."""
        defined = self._around.objects.elf(found.root, found.node).exports()
        return self._own if "__libc_start_main" in defined and "stdin" in defined else None

    def add(self, loaded: Loaded, name: str, *, program: bool = False) -> None:
        """The program answers to nothing, the loader to its reserved names."""
        if program:
            self._program = loaded
        elif loaded.found_by is FoundBy.INTERP:
            self._own = loaded
        else:
            if "/" not in name:
                self._shorten(loaded)
            self._inodes.setdefault(loaded.node.inode, loaded)

    def find(self, name: str, requester: Loaded, trail: list[Searched]) -> Found | None:
        """LD_LIBRARY_PATH first, the rpath of the requester and of all who led to it, then the system path (R3)."""
        if "/" in name:
            place = Place("", self._around.root, FoundBy.PATH, "a path, opened as it is")
            return self._probe(name, place, trail)
        if len(name) > NAME_MAX:
            return None
        for place in self._places(requester):
            found = self._probe(f"{place.directory}/{name}", place, trail)
            if found is not None:
                return found
        return None

    def _probe(self, path: str, place: Place, trail: list[Searched]) -> Found | None:
        try:
            return self._around.probe(path, place, trail, musl=True)
        except LoopError as error:  # R11: any error but "not there" inhibits the rest of the search
            raise FatalCandidateError("symbolic link loop") from error

    def _places(self, requester: Loaded) -> Iterator[Place]:
        root = self._around.root
        env = self._around.env
        for directory in musl_split("" if env.secure else env.library_path or ""):
            yield Place(directory, root, FoundBy.LD_LIBRARY_PATH, "LD_LIBRARY_PATH")
        chain: Loaded | None = requester
        while chain is not None:
            self._around.objects.budget.step()
            yield from self._rpath(chain)
            chain = self._next_with_rpath(chain)
        if self._system is None:
            self._system = self._system_places()
        yield from self._system

    def _next_with_rpath(self, requester: Loaded) -> Loaded | None:
        """The nearest of those who led to an object that has an rpath: a chain may be thousands long."""
        pending: list[Loaded] = []
        at: Loaded | None = requester
        while at is not None and id(at) not in self._above:
            pending.append(at)
            at = at.loader
        for each in reversed(pending):
            loader = each.loader
            self._above[id(each)] = (
                None if loader is None else loader if self._rpath(loader) else self._above[id(loader)]
            )
        return self._above[id(requester)]

    def _rpath(self, owner: Loaded) -> tuple[Place, ...]:
        if id(owner) not in self._lists:
            runpath = owner.facts.runpath
            kind = FoundBy.RPATH if runpath is None else FoundBy.RUNPATH
            text = owner.facts.rpath if runpath is None else runpath
            own = (
                origin(owner.path, "")
                if owner is not self._program
                else None
                if self._around.env.secure
                else self._origin
            )
            self._lists[id(owner)] = tuple(
                Place(
                    element.text,
                    owner.root if element.by_origin else self._around.root,
                    kind,
                    f"{kind.value} of {owner.path}",
                    element.by_origin,
                )
                for element in musl_search_list(text or "", own)
            )
        return self._lists[id(owner)]

    def _system_places(self) -> tuple[Place, ...]:
        defaults, via = self._around.defaults.directories, "default"
        path = musl_path_file(self._around.interpreter, self._around.defaults.arch or "")
        try:
            found = read_text(self._around.root, path)
        except InputError:
            return ()  # there, but unreadable: musl then searches nothing
        if found is not None:  # R19: it replaces the defaults, an empty one too
            self.read = [found[0]]
            defaults, via = musl_split(found[1].partition("\0")[0]), path
        return tuple(Place(directory, self._around.root, FoundBy.DEFAULT, via) for directory in defaults)
