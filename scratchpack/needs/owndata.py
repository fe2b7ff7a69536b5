"""Data that a packaged program names in its own strings and that its own source package installed."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.needs.base import A, Contribution, Evidence
from scratchpack.needs.companion import Companion, joined, paths
from scratchpack.needs.interpreter import beside, of_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

_PACKAGED = re.compile(r"/(?:usr/(?!local/)|s?bin/|lib)")
_SHARED = re.compile(  # directories that every package fills, and texts for people: a name of one says nothing
    r"/usr|/etc|/usr/(?:share|lib|lib64|libexec|bin|sbin|games|share/games|share/misc|lib/[^/]+-linux-[^/]+)"
    r"|/usr/(?:share/(?:doc|man|info|locale|bash-completion|applications|icons|pixmaps)|include|lib/debug)(?:/.*)?"
    r"|/etc/(?:init|init\.d|default|cron[^/]*|systemd|logrotate\.d|ld\.so[^/]*|passwd|group|shadow|nsswitch\.conf)(?:/.*)?"
)
_RELATIVE = re.compile(r"\.\./(?:share|lib|etc)/[\w.+-]+(?:/[\w.+-]+)*")


class OwnData(Companion):
    """Two things must agree: the program's string and the package database. A program that no package owns gets nothing."""

    name = "own-data"
    summary = "the program opens files that its own package installed"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """The paths among the strings of a program that lies where packages put theirs."""
        real = subject.program.resolution.node.canonical
        if subject.is_go or not _PACKAGED.match(real):
            return ()
        found = dict.fromkeys(path for path in _candidates(subject, real) if not _SHARED.fullmatch(path))
        return tuple(
            Evidence(self.name, A, f"string {path}, of the same package", subject.program.path, (path,))
            for path in found
        )

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Those files and directories, as far as the program's source package installed them."""
        from scratchpack.needs.gather import reasons
        from scratchpack.packages import open_database

        real = subject.program.resolution.node.canonical
        there = [item for item in evidence if root.lookup(item.found[0])]
        database = open_database(root) if there else None
        if database is None or database.owner(real) is None:
            return Contribution()
        return joined(
            of_source(root, real, item.found, reasons(self.name, (item,)), subject.program.path) for item in there
        )


def _candidates(subject: Subject, real: str) -> Iterator[str]:
    for fragment in ("/usr/share/", "/usr/lib/", "/etc/"):
        yield from paths(subject.strings(fragment))
    for run in subject.strings("../"):
        if _RELATIVE.fullmatch(run):
            yield beside(real, run)
            yield posixpath.normpath(run.replace("..", "/usr", 1))


NEED = OwnData()
