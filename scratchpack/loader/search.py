"""One search for one name: what was looked at, in order, and how it ended. Shared by the rules of glibc and musl."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple, Protocol

from scratchpack.errors import ConfinementError, InputError
from scratchpack.loader.candidates import Outcome, Wanted, judge_facts
from scratchpack.loader.model import FoundBy, Searched

if TYPE_CHECKING:
    from scratchpack.elf.model import ElfFacts
    from scratchpack.loader.defaults import Defaults
    from scratchpack.loader.hwcaps import Processor
    from scratchpack.loader.model import LoaderEnv
    from scratchpack.loader.objects import Objects
    from scratchpack.sysroot.model import Node, Sysroot


_LOOKED_AT = 150  # bytes of one row of a trail besides the path


class Loaded:
    """One object in a process: mutable while the closure grows, and never seen outside this room."""

    __slots__ = (
        "asked",
        "by_origin",
        "facts",
        "found_by",
        "loader",
        "node",
        "path",
        "requested_by",
        "root",
        "shortname",
    )  # fmt: skip

    def __init__(self, found: Found, facts: ElfFacts, asked: str, loader: Loaded | None) -> None:
        self.path, self.node, self.root = found.path, found.node, found.root
        self.found_by, self.by_origin = found.found_by, found.by_origin
        self.facts, self.asked, self.loader = facts, asked, loader
        self.requested_by = loader.path if loader else ""
        self.shortname: str | None = None  # musl's key (R2)


class Found(NamedTuple):
    """A file that the search ended at."""

    path: str  # as the loader spells it
    node: Node
    root: Sysroot
    found_by: FoundBy
    by_origin: bool


class Place(NamedTuple):
    """A directory to look into, from which list, and in which root."""

    directory: str
    root: Sysroot
    found_by: FoundBy
    via: str
    by_origin: bool = False


class FatalCandidateError(Exception):
    """A file that ends the program's start (R11)."""


class LoopError(Exception):
    """A symbolic link loop, on which the loaders differ (R11)."""


class Surroundings(NamedTuple):
    """What a search depends on besides the name and the requester."""

    root: Sysroot  # where libraries are
    env: LoaderEnv
    objects: Objects
    wanted: Wanted
    machine: str
    defaults: Defaults
    processor: Processor
    interpreter: str
    seen: set[str]  # hwcaps names and legacy subdirectories that exist beside what was searched

    def probe(self, path: str, place: Place, trail: list[Searched], *, musl: bool) -> Found | None:
        """Look at one path.

        Raises:
            FatalCandidateError: the loader would give up here.
            LoopError: ELOOP.
        """
        self.objects.budget.step()
        self.objects.budget.keep(_LOOKED_AT + len(path))
        try:
            node = self.objects.lookup(place.root, path, self.env.working_dir)
        except ConfinementError as error:
            trail.append(Searched(path, place.via, "symbolic link loop"))
            raise LoopError from error
        if node is None:
            trail.append(Searched(path, place.via, "not there"))
            return None
        verdict, why = self.objects.judge(place.root, node, self.wanted, musl=musl)
        trail.append(Searched(path, place.via, why))
        if verdict is Outcome.FATAL:
            raise FatalCandidateError(why)
        if verdict is Outcome.SKIP:
            return None
        return Found(path, node, place.root, place.found_by, place.by_origin)

    def load(self, found: Found, trail: list[Searched], *, musl: bool) -> ElfFacts:
        """The facts of a file that passed the header check, as the loader maps it.

        Raises:
            FatalCandidateError: it cannot be mapped as a library.
        """
        try:
            facts = self.objects.facts(found.root, found.node)
        except InputError as error:
            trail.append(Searched(found.path, found.found_by, error.message))
            raise FatalCandidateError(error.message) from error
        verdict, why = judge_facts(facts, musl=musl)
        if verdict is not Outcome.TAKE:
            trail.append(Searched(found.path, found.found_by, why))
            raise FatalCandidateError(why)
        return facts


class Rules(Protocol):
    """What differs between the loaders."""

    musl: bool

    def preloads(self) -> tuple[tuple[str, str], ...]:
        """Names to load before the program's own requests, and where each was written (R14)."""

    def audits(self) -> tuple[tuple[str, str], ...]:
        """Names of auditors, each for a namespace of its own, and where each was written (R14)."""

    def name(self, text: str, requester: Loaded) -> str | None:
        """A requested name after token substitution; ``None`` voids it (R6, R7)."""

    def match(self, name: str) -> Loaded | None:
        """A loaded object that answers to this name, without any file access (R2)."""

    def find(self, name: str, requester: Loaded, trail: list[Searched]) -> Found | None:
        """Search the file of a name (R3-R9).

        Raises:
            FatalCandidateError: a candidate that ends the start.
        """

    def same(self, found: Found, name: str) -> Loaded | None:
        """A loaded object that is this very file (R2)."""

    def substitute(self, found: Found) -> Loaded | None:
        """What is taken instead of a file that was opened (R19)."""

    def add(self, loaded: Loaded, name: str, *, program: bool = False) -> None:
        """Remember a new object."""


def origin(path: str, cwd: str) -> str:
    """``$ORIGIN`` of a path: its directory as spelled, made absolute."""
    return posixpath.dirname(posixpath.join(cwd, path))
