"""What the needs for companion data share: whose call it is, where the library says it looks, and how plugins travel.

A search path is read from the strings of the library that opens it, and a directory that several packages fill is cut
down to what one source package installed. No path of a distribution is written here.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.needs.base import PROGRAM, A, B, Contribution, ElfRoot, Evidence, Wants
from scratchpack.needs.companion.kinds import left_out, unopened
from scratchpack.needs.gate import packages
from scratchpack.needs.gather import copied, reasons, tree, without_empty
from scratchpack.pattern import pattern
from scratchpack.rootfs import Directory, File, Symlink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from scratchpack.needs.base import NeedOptions, Seen, Subject
    from scratchpack.packages.model import Packages
    from scratchpack.rootfs import Entry, Reason
    from scratchpack.sysroot.model import Sysroot

_PATHS = pattern(r"(?:\.[:;])?/[^\s:;%<>\"'*?]+(?:[:;]/[^\s:;%<>\"'*?]+)*[:;]?")

_FEW = 6  # names that a note lists
_MANUALS = pattern(r"/usr/(?:share/(?:doc|man|info|locale|lintian|bug)|include|lib/debug)(?:/|$)|/build/")


class Companion:
    """A library that opens data: a call of its functions is the evidence, its strings say where the data lies."""

    name = ""
    summary = ""
    wants: Wants = Wants()
    adds = "a"
    library: tuple[str, ...] = ()  # file name starts of the library's own parts: their calls are no evidence

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Evidence for each object that calls the library. A plugin that another need added counts as the program (tier a), its libraries as the program's libraries' own do."""
        return tuple(
            Evidence(self.name, A if seen.brought and seen.tier == B else seen.tier, f"imports {symbol}", seen.path)
            for seen, symbol in subject.importing(*self.wants.symbols)
            if not seen.name.startswith(self.library or ("\0",))
        )

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Every place that the library's strings name, as far as the root has it; else what its package says."""
        because = reasons(self.name, evidence)
        places = tuple(self.places(subject))
        found = joined(bring(root, path, because, seen.path) for seen, path in places)
        if not found.files and not found.elf_roots:
            found = self.from_packages(root, because, subject)
        if found.files or found.elf_roots or not places:
            return found
        named = ", ".join(path for _, path in places)
        return Contribution(notes=(f"{self.name}: {root.name} has none of {named}: {self.summary}",))

    def from_packages(self, root: Sysroot, because: tuple[Reason, ...], subject: Subject) -> Contribution:
        """Where no string names the place: what the library's own source package put in a directory of that name."""
        database = packages(root)
        parts = []
        for name, fragment in self.wants.inside if database is not None else ():
            for seen in holders(subject, name):
                owner = database.owner(seen.resolution.node.canonical) if database is not None else None
                if database is None or owner is None:
                    continue
                inside = (path for item in database.built_from(owner.source) for path in database.files(item))
                kept = {path for path in inside if f"/{fragment.strip('/')}/" in path and not _MANUALS.match(path)}
                parts.append(
                    parted((entry for path in sorted(kept) for entry in copied(root, path, because)), seen.path)
                )
        return joined(parts)

    def places(self, subject: Subject) -> Iterator[tuple[Seen, str]]:
        """The absolute paths in the library's strings that were asked for, with the object that holds each."""
        told: set[str] = set()
        for name, fragment in self.wants.inside:
            for seen in holders(subject, name):
                for path in paths(seen.strings.get(fragment, ()), fragment):
                    if path not in told and not _MANUALS.match(path):
                        told.add(path)
                        yield seen, path


def holding(fragment: str, *names: str) -> tuple[tuple[str, str], ...]:
    """``Wants.inside`` for one fragment that is looked for in the objects of these names."""
    return tuple((name, fragment) for name in names)


def holders(subject: Subject, name: str) -> Iterator[Seen]:
    """The objects that a row of ``Wants.inside`` means."""
    return iter((subject.program,)) if name == PROGRAM else subject.named(name)


def paths(runs: Iterable[str], fragment: str) -> Iterator[str]:
    """The absolute paths that hold ``fragment`` in strings that are a path or a search path, and nothing else; normalised.

    The other parts of a search path were not asked for: they belong to somebody else.
    """
    for run in runs:
        if _PATHS.fullmatch(run):
            parts = (posixpath.normpath(part) for part in re.split("[:;]", run) if part.startswith("/"))
            yield from (part for part in parts if fragment in part)


def bring(
    root: Sysroot,
    path: str,
    because: tuple[Reason, ...],
    requester: str,
    keep: Callable[[str], bool] | None = None,
    *,
    enter: Callable[[str], bool] | None = None,
    programs: bool = False,
    leave: Callable[[str, tuple[str, ...]], str] = unopened,
) -> Contribution:
    """A file or a tree; the ELF files in it are resolved in the program's namespace, with their own closures."""
    return parted(tree(root, path, because, keep, enter=enter), requester, (path,), programs=programs, leave=leave)


def parted(
    entries: Iterable[Entry],
    requester: str,
    named: tuple[str, ...] = (),
    *,
    programs: bool = False,
    leave: Callable[[str, tuple[str, ...]], str] = unopened,
) -> Contribution:
    """Entries as they are, but for ELF files: libraries become roots of their own, programs are named in a note.

    A second program has a closure of its own and is not added for being beside data (N28), unless ``programs``. ``leave``
    says of a path and the places that were ``named`` which kind of file it is that stays behind, and a note says so.
    """
    entries = tuple(entries)
    unwanted: dict[str, list[str]] = {}
    for entry in entries:
        if not isinstance(entry, Directory) and (kind := leave(entry.path, named)):
            unwanted.setdefault(kind, []).append(entry.path)
    if unwanted:
        gone = {path for paths in unwanted.values() for path in paths}
        entries = without_empty(entry for entry in entries if entry.path not in gone)
    files: list[Entry] = []
    elf_roots: list[ElfRoot] = []
    left: dict[str, dict[str, None]] = {}
    for entry in entries:
        directory, name = posixpath.split(entry.path)
        is_library = ".so" in name
        if not isinstance(entry, File) or not (is_library or entry.mode & 0o111) or not _is_elf(entry):
            files.append(entry)
        elif is_library:
            elf_roots.append(ElfRoot(entry.path, requester, required=False))
        elif programs:
            files.append(entry)
            elf_roots.append(ElfRoot(entry.path, requester, required=False, program=True))
        else:
            left.setdefault(directory, {})[name] = None
    notes = (
        f"programs of {place} are left out ({_few(list(names))}): --include those used" for place, names in left.items()
    )
    return Contribution(tuple(files), tuple(elf_roots), notes=(*notes, *left_out(unwanted)))


def _few(names: list[str]) -> str:
    return ", ".join(names if len(names) < _FEW else (*names[: _FEW - 2], f"{len(names) - _FEW + 2} more"))


def joined(parts: Iterable[Contribution]) -> Contribution:
    """Several contributions as one."""
    parts = tuple(parts)
    return Contribution(
        tuple(dict.fromkeys(entry for part in parts for entry in part.files)),
        tuple(dict.fromkeys(item for part in parts for item in part.elf_roots)),
        {key: value for part in parts for key, value in part.env.items()},
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def owned(
    root: Sysroot, database: Packages, source: str, within: Iterable[str], because: tuple[Reason, ...]
) -> Iterator[Entry]:
    """What the packages of one source installed at or below these paths, and below what links of these names lead to."""
    nodes = {place: root.lookup(place) for place in within}
    wanted = {path for place, node in nodes.items() for path in (place, node.canonical if node else place)}
    for package in database.built_from(source):
        for path in database.files(package):
            if any(path == place or path.startswith(place.rstrip("/") + "/") for place in wanted):
                node = root.lookup(path)
                if node is not None and node.kind == "directory":
                    yield from (Symlink(link.path, link.target, because) for link in node.links)
                    yield Directory(node.canonical, because=because)
                elif node is not None:
                    yield from copied(root, path, because)


def _is_elf(entry: File) -> bool:
    with entry.source.open() as stream:
        return stream.read(4) == b"\x7fELF"
