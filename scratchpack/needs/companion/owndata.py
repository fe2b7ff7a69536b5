"""Data that a packaged program names in its own strings and that its own source package installed."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.needs import places
from scratchpack.needs.base import PROGRAM, A, B, Contribution, Evidence, Wants, is_libc
from scratchpack.needs.companion.base import Companion, bring, joined, paths
from scratchpack.needs.companion.interpreter import beside, of_source
from scratchpack.needs.companion.kinds import unopened
from scratchpack.needs.gate import packages
from scratchpack.pattern import pattern
from scratchpack.rootfs import File, Symlink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.packages.model import Packages
    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Sysroot

_SHARED = pattern(  # directories that every package fills, and texts for people: a name of one says nothing
    r"/usr|/etc|/usr/(?:share|lib|lib64|libexec|bin|sbin|games|share/games|share/misc|lib/[^/]+-linux-[^/]+)"
    r"|/usr/(?:share/(?:doc|man|info|locale|bash-completion|applications|icons|pixmaps)|include|lib/debug)(?:/.*)?"
    r"|/etc/(?:init|init\.d|default|cron[^/]*|systemd|logrotate\.d|ld\.so[^/]*|passwd|group|shadow|nsswitch\.conf)(?:/.*)?"
)
_CONFIGURATION = pattern(r"[\w-][\w.-]*\.(?:conf|cfg|cnf|ini)")  # a name that a directory is put before at run time
_UNSEPARATED = pattern(r"/(?:usr/(?:share|lib)|etc)/[\w.+-]+(?:/[\w.+-]+)*")
_STARTS = "a string that begins with "  # in Go and Rust programs another may follow without a sign between
_RUST = ("/library/core/src/", "/library/std/src/")  # of the panics in Rust's own libraries
_CONFIGURED = 1 << 16  # bytes: more is data
_MODULE = pattern(r"(?!lib)[\w+-]+\.so")  # 7z.so, which 7z opens beside itself
_START_FILE = "crt1.o"
_PLUGIN = pattern(r".*\.so(?:\.\d+)*")
_PREFIXED = pattern(r"/share/[\w.+-]+(?:/[\w.+-]+)*")  # the program puts its own prefix before it at run time
_DIRECTIVE = pattern(
    r"[\w.-]+(?:\s+|\s*=\s*)(/[\w.+-]+(?:/[\w.+-]+)+)\s*"
)  # a line of a configuration that is compiled in
_RELATIVE = pattern(r"\.\./(?:share|lib|etc)/[\w.+-]+(?:/[\w.+-]+)*")


class OwnData(Companion):
    """Two things must agree: the program's string and the package database. A program that no package owns gets nothing."""

    name = "own-data"
    summary = "the program opens files that its own package installed"
    wants = Wants(
        fragments=("/usr/share/", "/share/", "/usr/lib/", "/etc/", "../", ".conf", ".cfg", ".cnf", ".ini", ".so"),
        unseparated=("/usr/share/", "/usr/lib/", "/etc/"),
        inside=((PROGRAM, _START_FILE),),
        packaged=True,
    )

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """The paths among the strings of a program that lies where packages put theirs."""
        real = subject.program.resolution.node.canonical
        if not places.is_packaged(real):
            return ()
        found = dict.fromkeys(path for path in _candidates(subject, real) if not _SHARED.fullmatch(path))
        told = tuple(
            Evidence(self.name, A, f"string {path}, of the same package", subject.program.path, (path,))
            for path in found
        )
        if not subject.is_go and not any(subject.strings(mark) for mark in _RUST):
            return told
        texts = (run for fragment in self.wants.unseparated for run in subject.strings(fragment))
        starts = dict.fromkeys(match[0] for run in texts for match in _UNSEPARATED.finditer(run))
        return (*told, *(Evidence(self.name, A, _STARTS + text, subject.program.path, (text,)) for text in starts))

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Those files and directories, as far as the program's source package installed them."""
        real = subject.program.resolution.node.canonical
        database = packages(root) if evidence else None
        owner = database.owner(real) if database is not None else None
        if database is None or owner is None:
            return Contribution()
        if any(item.because.startswith(_STARTS) for item in evidence):
            files = [path for package in database.built_from(owner.source) for path in database.files(package)]
            own = {*files, *(posixpath.dirname(path) for path in files)}
            evidence = tuple(_settled(item, own | {posixpath.dirname(path) for path in own}) for item in evidence)
        there = [item for item in dict.fromkeys(evidence) if item.found and root.lookup(item.found[0])]
        leave = _leaves(subject)
        return joined(_installed(root, database, real, item, subject.program.path, leave) for item in there)


def _settled(item: Evidence, own: set[str]) -> Evidence:
    """Where a string of a Go or Rust program ends: no sign does, so the longest path of the package that it begins with."""
    if not item.because.startswith(_STARTS):
        return item
    text = item.found[0]
    begun = [path for path in own if text.startswith(path) and text[len(path) :][:1] not in {*"-_."}]
    path = max((path for path in begun if not _SHARED.fullmatch(path)), key=len, default="")
    because = f"string {path}, of the same package"
    return item._replace(because=because, found=(path,)) if path else item._replace(found=())


def _leaves(subject: Subject) -> Callable[[str, tuple[str, ...]], str]:
    """Which kinds of files this program does not open in a directory that its string names.

    One that links programs, which the name of C's start file tells, opens what linkers open. One that neither calls
    dlopen nor loads a library that does has no plug-ins: those in its package's directory are another program's.
    """
    if subject.strings(_START_FILE):
        return lambda _path, _named: ""
    callers = (seen for seen in subject.objects if seen.tier in {A, B} and not is_libc(seen.name))
    if subject.is_static or any(seen.imports & {"dlopen", "dlmopen"} for seen in callers):
        return unopened

    def leave(path: str, named: tuple[str, ...]) -> str:
        return unopened(path, named) or ("plug-ins" if _PLUGIN.fullmatch(path) and path not in named else "")

    return leave


def _installed(
    root: Sysroot,
    database: Packages,
    real: str,
    item: Evidence,
    requester: str,
    leave: Callable[[str, tuple[str, ...]], str],
) -> Contribution:
    """What the program's source package put there, with the links beside it and what its configuration includes."""
    from scratchpack.needs.gather import reasons

    because, (place, *_) = reasons(OwnData.name, (item,)), item.found
    found = of_source(root, real, (place,), because, requester, leave=leave)
    node, brought = root.lookup(place), {entry.path for entry in found.files}
    if node is None or node.kind != "directory" or not brought:
        return found
    links: list[Entry] = []
    for name in root.list(node):
        link = root.lookup(posixpath.join(node.canonical, name))
        if link is not None and link.links and link.canonical in brought:  # /etc/x/x.conf -> /etc/alternatives/x.conf
            links += (Symlink(step.path, step.target, because) for step in link.links)
    included = (_included(root, database, place, entry.path, requester) for entry in found.files if _is_plain(entry))
    return joined((found, Contribution(tuple(links)), *included))


def _is_plain(entry: Entry) -> bool:
    return isinstance(entry, File) and entry.path.startswith("/etc/") and entry.source.size <= _CONFIGURED


def _included(root: Sysroot, database: Packages, place: str, path: str, requester: str) -> Contribution:
    """What other packages put below ``place`` where this configuration file names it: absent, some programs abort."""
    from scratchpack.needs.gather import read, reasons

    text = (read(root, path) or b"").decode("utf-8", "replace")
    lines = (line for line in text.splitlines() if line.lstrip()[:1] not in tuple("#;"))
    named = dict.fromkeys(
        posixpath.normpath(match[0]) for line in lines for match in re.finditer(r"(?<![\w./])/[\w./+-]+", line)
    )
    return joined(
        bring(
            root,
            name,
            reasons(OwnData.name, (Evidence(OwnData.name, A, f"names {name}", path),)),
            requester,
            lambda file: database.owner(file) is not None,
        )
        for name in named
        if name.startswith(place + "/")
    )


def _candidates(subject: Subject, real: str) -> Iterator[str]:
    for fragment in ("/usr/share/", "/usr/lib/", "/etc/"):
        runs = tuple(subject.strings(fragment))
        yield from paths(runs, fragment)
        directives = (_DIRECTIVE.fullmatch(run) for run in runs)
        yield from (posixpath.normpath(match[1]) for match in directives if match and fragment in match[1])
    for ending in (".conf", ".cfg", ".cnf", ".ini"):
        yield from (f"/etc/{run}" for run in subject.strings(ending) if _CONFIGURATION.fullmatch(run))
    for run in subject.strings(".so"):
        if _MODULE.fullmatch(run):
            yield beside(real, run)
    prefix = posixpath.dirname(posixpath.dirname(real))
    yield from (posixpath.join(prefix, run[1:]) for run in subject.strings("/share/") if _PREFIXED.fullmatch(run))
    for run in subject.strings("../"):
        if _RELATIVE.fullmatch(run):
            yield beside(real, run)
            yield posixpath.normpath(run.replace("..", "/usr", 1))


NEED = OwnData()
