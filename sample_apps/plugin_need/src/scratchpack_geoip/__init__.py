"""A need that scratchpack does not have: where on earth an address is, which MaxMind's databases say.

A program goes in that calls libmaxminddb or holds the path of a database; out comes the database of the root.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs.base import A, Contribution, Evidence, Unavailable, Wants
from scratchpack.needs.gather import copied, reasons, tree

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.needs.plugin import Plugin
    from scratchpack.sysroot.model import Sysroot

DIRECTORY = "/usr/share/GeoIP"
ENDING = ".mmdb"


class GeoIp:
    """A database that the program names; all of the usual directory where it calls the library and names none."""

    protocol = 1
    name = "geoip"
    summary = "addresses have no country without a GeoIP database"
    wants = Wants(symbols=("MMDB_open",), fragments=(ENDING,))
    adds = "a"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """The paths among the program's own strings, and calls of the library."""
        paths = [run for run in subject.strings(ENDING) if run.startswith("/") and run.endswith(ENDING)]
        named = tuple(Evidence(self.name, A, f"string {path}", subject.program.path, (path,)) for path in paths)
        return named + subject.evidence(self.name, *self.wants.symbols)

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """What was named, as far as the root has it."""
        because = reasons(self.name, evidence)
        paths = dict.fromkeys(path for item in evidence for path in item.found)
        files = [entry for path in paths for entry in copied(root, path, because)]
        files = files or list(tree(root, DIRECTORY, because, lambda path: path.endswith(ENDING)))
        if not files:
            wanted = ", ".join(paths) or posixpath.join(DIRECTORY, f"*{ENDING}")
            raise Unavailable(f"there is no {wanted}", "put a database there with geoipupdate")
        return Contribution(tuple(files))


NEED: Plugin = GeoIp()
