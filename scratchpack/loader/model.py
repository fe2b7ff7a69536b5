"""What resolving gives: which objects the loader maps, who asked for them, and what would stop it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from scratchpack.elf.model import ElfFacts
    from scratchpack.sysroot.model import Node, Sysroot


class FoundBy(StrEnum):
    """Which step of the search found an object (R5)."""

    ROOT = "root"  # the program itself, or a file given to the resolver
    INTERP = "interp"
    LOADED = "loaded"
    PATH = "path"
    RPATH = "rpath"
    LD_LIBRARY_PATH = "ld_library_path"
    RUNPATH = "runpath"
    CACHE = "cache"
    DEFAULT = "default"
    PRELOAD = "preload"
    AUDIT = "audit"


class Searched(NamedTuple):
    """One place that was looked at for a name, in order, and what was found there."""

    path: str
    via: str  # "rpath of /x", "ld.so.cache", "default"
    verdict: str  # "not there", "wrong machine" …


class LoaderEnv(NamedTuple):
    """What the planned image configuration tells the loader (R29)."""

    library_path: str | None = None
    preload: str | None = None
    audit: str | None = None
    tunables: str | None = None
    working_dir: str = "/"
    secure: bool = False  # AT_SECURE: the program keeps its setuid bit or capabilities (R6)
    cpu: str = "all"  # hwcaps level whose variants travel, or "all" (R9)


class Variant(NamedTuple):
    """A hwcaps variant of a resolved object that another processor would load instead (R9)."""

    level: str
    path: str
    node: Node
    facts: ElfFacts


class Resolution(NamedTuple):
    """One object that the loader maps."""

    soname: str  # the name it was asked for by
    path: str  # as found, links not resolved: $ORIGIN and the loader's own view (R6)
    node: Node  # node.canonical, node.links, node.inode
    root: Sysroot
    found_by: FoundBy
    requested_by: str  # path of the first requester, "" for a root
    facts: ElfFacts
    variants: tuple[Variant, ...] = ()
    by_origin: bool = False  # an expanded $ORIGIN led here


class Edge(NamedTuple):
    """One request, met or not."""

    requester: str
    name: str
    kind: str  # "needed" | "filter" | "auxiliary" | "audit" | "preload" | "interp"
    target: str | None  # path of the object that met it


class Problem(NamedTuple):
    """Something that would stop the program, or that a reader must know."""

    kind: str  # "missing" | "fatal-candidate" | "version" | "symbol" | "interp" | "ambiguous" | "cpu"
    severity: str  # "error" | "warning"
    requester: str
    name: str
    detail: str
    searched: tuple[Searched, ...] = ()


class Closure(NamedTuple):
    """Everything mapped at start, in load order, the interpreter among it where the loader lists it (R1)."""

    roots: tuple[Resolution, ...]
    resolved: tuple[Resolution, ...]  # without the roots
    edges: tuple[Edge, ...]
    problems: tuple[Problem, ...]
    libc: str | None = None  # "glibc" | "musl"
    extra: tuple[Node, ...] = ()  # files the loader itself reads and that travel (path file, ld.so.preload)
    aliases: tuple[Resolution, ...] = ()  # other names at which an object that is loaded already was found (R2)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop the program."""
        return tuple(problem for problem in self.problems if problem.severity == "error")
