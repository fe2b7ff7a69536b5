"""What a runtime need is: what it wants to be looked for, how it judges that, and what it brings.

A need is one small file with one class, and its ``wants`` stand there. ``index.py`` holds the same of all needs, so
that the one scan (``scan.py``) knows what to look for before any need's file is imported; ``make docs`` writes it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from scratchpack.entries import BYTES_ALONE, Keep
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from scratchpack.elf.model import ElfFacts, Note
    from scratchpack.loader.model import Closure, Resolution
    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Sysroot

PROGRAM, IMPORTERS, CODE = "<program>", "<importers>", "<code>"  # names in Wants.inside that no file has
_LIBC = (
    *("libc.so.", "libpthread.so.", "libdl.so.", "librt.so.", "libm.so.", "libresolv.so.", "libnsl.so.1", "libanl.so."),
    *("libutil.so.", "ld-", "libc.musl-", "libnss_files.", "libnss_dns."),
)
A, B, C = "a", "b", "c"  # the program itself | a direct dependency | a dependency's dependency


class Unavailable(Exception):  # noqa: N818  (an answer of provide(), turned into a NeedError or a decision by decide.py)
    """A need cannot be provided from this root: what is missing, and what to install or give.

    ``essential``: the program is a client of the thing. Where it only may become one (its configuration decides), it
    starts and works without, and what is missing is a warning; but not where the user asked for it by name.
    """

    def __init__(self, missing: str, remedy: str, *, essential: bool = True) -> None:
        super().__init__(missing)
        self.missing = missing
        self.remedy = remedy
        self.essential = essential


class Wants(NamedTuple):
    """What the one scan looks for on behalf of a need; all but ``inside`` make the need be examined when seen.

    A name that ends in ``*`` is a prefix.
    """

    symbols: tuple[str, ...] = ()  # undefined dynamic symbols of the program and of its libraries
    sonames: tuple[str, ...] = ()  # file names that an object of the closure has or asks for: "libcrypto.so*"
    fragments: tuple[str, ...] = ()  # literals in the program's own read-only bytes (not looked for in Go programs)
    unseparated: tuple[str, ...] = ()  # literals in the strings of a Go program that lies where packages put theirs
    inside: tuple[
        tuple[str, str], ...
    ] = ()  # (file name, literal): looked for in that library once the need is examined
    notes: tuple[tuple[bytes, int], ...] = ()  # (owner without NUL, type) of PT_NOTE records, in every object
    sections: tuple[str, ...] = ()  # section names of the program
    functions: tuple[str, ...] = ()  # function names of a Go program's own table
    env: tuple[str, ...] = ()  # variables of the planned image configuration
    packaged: bool = False  # all of this only for a program that lies where packages put theirs


class Row(NamedTuple):
    """A need or a language's detector before it is imported: ``scratchpack.needs.<module>`` holds it."""

    name: str
    module: str
    wants: Wants


class NamedVersion(Protocol):
    """A crate: its name is all that needs look at."""

    @property
    def name(self) -> str:
        """As cargo writes it."""


class View(Protocol):
    """The lazy views of one ELF file that the scan uses (``scratchpack.elf.evidence``)."""

    @property
    def facts(self) -> ElfFacts:
        """What the loader reads of it."""

    def imports(self) -> Iterable[str]:
        """Undefined dynamic symbols, without versions."""

    def notes(self) -> Iterable[Note]:
        """Records of every PT_NOTE."""

    def scan(self, fragments: tuple[str, ...], *, code: bool = False) -> Mapping[str, tuple[str, ...]]:
        """For each literal that occurs: the runs of printable bytes it occurs in. One pass for all."""

    def sections(self) -> Iterable[str]:
        """Section names; empty where the headers were stripped."""

    def crates(self) -> Iterable[NamedVersion]:
        """The crates that cargo-auditable listed."""

    def is_go(self) -> bool:
        """Whether the Go linker made it."""

    def go_functions(self, names: tuple[str, ...]) -> Iterable[str]:
        """Those of ``names`` (a trailing ``*`` is a prefix: the full names) that the function table holds."""


class Seen(NamedTuple):
    """One object of the closure, and what of it the scan was asked for."""

    path: str  # in the root, as found
    name: str  # the name it was asked for by; a program's file name
    tier: str
    resolution: Resolution
    imports: frozenset[str] = frozenset()  # wanted ones only
    strings: Mapping[str, tuple[str, ...]] = MappingProxyType({})  # fragment -> runs holding it; wanted ones only
    notes: tuple[Note, ...] = ()
    brought: bool = False  # by a need of an earlier round, not by the loader at start


class Subject(NamedTuple):
    """All that detection sees: the program, its closure, and the planned environment. No IO from here on."""

    program: Seen
    objects: tuple[Seen, ...]  # the program first, then load order
    facts: ElfFacts  # of the program
    libc: str | None  # "glibc" | "musl" | None
    glibc: tuple[int, int] | None  # its version, from libc.so.6's or the static program's own banner
    env: Mapping[str, str]
    functions: frozenset[str] = frozenset()  # wanted Go functions found
    sections: frozenset[str] = frozenset()
    is_go: bool = False
    crates: frozenset[str] = frozenset()  # names of crates that cargo-auditable listed

    @property
    def is_static(self) -> bool:
        """Whether no loader is involved: strings of libc are then among the program's own."""
        return not self.facts.needed and self.facts.interpreter is None

    def importing(self, *symbols: str) -> Iterator[tuple[Seen, str]]:
        """Every object and symbol of these that it imports; a trailing ``*`` is a prefix."""
        exact = frozenset(name for name in symbols if not name.endswith("*"))
        prefixes = tuple(name[:-1] for name in symbols if name.endswith("*"))
        for seen in self.objects:
            for name in sorted(seen.imports):
                if name in exact or (prefixes and name.startswith(prefixes)):
                    yield seen, name

    def evidence(self, need: str, *symbols: str) -> tuple[Evidence, ...]:
        """One piece of evidence for each object and symbol; not for libc, which only defines itself."""
        return tuple(
            Evidence(need, seen.tier, f"imports {symbol}", seen.path)
            for seen, symbol in self.importing(*symbols)
            if not is_libc(seen.name)
        )

    def named(self, pattern: str) -> Iterator[Seen]:
        """The objects of the closure whose file name is this (a trailing ``*`` is a prefix)."""
        return (seen for seen in self.objects if matches(seen.name, pattern))

    def strings(self, fragment: str) -> tuple[str, ...]:
        """The program's own strings that hold this fragment."""
        return self.program.strings.get(fragment, ())


def matches(name: str, pattern: str) -> bool:
    """Whether a name is this pattern, where a trailing ``*`` stands for any end."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def is_libc(name: str) -> bool:
    """Whether this file name is a part of libc: what it imports from its own parts is no evidence."""
    return name.startswith(_LIBC)


class Evidence(NamedTuple):
    """One reason to believe in a need. ``found`` carries what ``provide`` will want: a path, a soname, a name."""

    need: str
    tier: str
    because: str  # "imports getaddrinfo", "string /etc/ssl/certs in libcrypto.so.3"
    by: str = ""  # path of the object that showed it
    found: tuple[str, ...] = ()


class ElfRoot(NamedTuple):
    """An ELF file that is opened later: the pipeline resolves it in the program's namespace."""

    name: str  # a soname (searched as dlopen would, for the requester) or an absolute path in the root
    requester: str  # path of the object that opens it
    required: bool = True  # a miss is an error; else it is left out with a note
    alternatives: tuple[
        str, ...
    ] = ()  # tried in this order when ``name`` does not resolve; the first that does is taken
    guess: bool = False  # only a string says so: a miss is a note of the need, and no warning
    program: bool = False  # started, not mapped: the need's ``files`` hold it, and ``name`` is its path in the root


class Contribution(NamedTuple):
    """What a need brings into the image."""

    files: tuple[Entry, ...] = ()
    elf_roots: tuple[ElfRoot, ...] = ()
    env: Mapping[str, str] = MappingProxyType(
        {}
    )  # for the image configuration, where the user's options do not say otherwise
    notes: tuple[str, ...] = ()  # lines for the report


class NeedOptions(NamedTuple):
    """What the user asked for, as far as needs care."""

    modes: Mapping[str, str] = MappingProxyType({})  # need -> "auto" | "always" | "never"
    env: Mapping[str, str] = MappingProxyType({})  # the planned image environment
    user: str = "65532:65532"
    locales: tuple[str, ...] = ()
    timezones: tuple[str, ...] = ()
    services: tuple[str, ...] = ()  # PAM
    ca_bundle: str | None = None  # a path on the host, read by the caller's opener
    read_host: Callable[[str], bytes] | None = None  # how such a path is read
    beside: tuple[
        Evidence, ...
    ] = ()  # evidence from beside the ELF file: configuration, argument list, variables (N49)
    keep: Keep = BYTES_ALONE  # what of the root's files travels beyond their bytes


class Finding(NamedTuple):
    """What a script runs, imports or names in one place; ``why`` says what stands against its being certain, "" for nothing."""

    verb: str  # "runs" | "carries" | "imports" | "requires" | "uses" | "sources" | "names"
    name: str
    file: str
    line: int  # from 1
    why: str = ""


class NeedResult(NamedTuple):
    """One need, examined: what the report prints and the pipeline acts on."""

    name: str
    tier: str
    decision: str  # "added" | "suggested" | "off" | "unavailable"
    evidence: tuple[Evidence, ...]
    files: tuple[Entry, ...] = ()
    elf_roots: tuple[ElfRoot, ...] = ()
    env: Mapping[str, str] = MappingProxyType({})
    notes: tuple[str, ...] = ()
    suggestion: str = ""
    option: str = ""  # what follows the suggestion: "--need NAME=always"
    essential: bool = True  # of one that is unavailable: without it nothing is packed
    closure: Closure | None = None  # of the elf_roots, once the pipeline resolved them
    beside: tuple[
        str, ...
    ] = ()  # paths of ``files`` and ``elf_roots`` that keep their place relative to a script that moves
    findings: tuple[Finding, ...] = ()  # of the needs of scripts: ``evidence`` in parts


class Detector(Protocol):
    """A language: no need of its own, but evidence for others (``Evidence.need`` says which)."""

    name: str
    wants: Wants

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """The evidence, for any needs."""


class RuntimeNeed(Protocol):
    """One need. Stateless; ``detect`` is pure, ``provide`` reads the root and nothing else."""

    name: str
    summary: str  # one line, in the user's words: what goes wrong without it
    wants: Wants
    adds: str  # tiers that put it in by themselves: "a" for most, "abc" where a miss aborts, "" for the report alone

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """The evidence for this need, strongest first; empty when there is none."""

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """What to put in the image. ``evidence`` is empty under ``--need NAME=always``.

        Raises:
            Unavailable: the root does not have it.
        """
