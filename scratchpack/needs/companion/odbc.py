"""N20: ODBC finds its drivers through odbcinst.ini."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.needs.base import Contribution, ElfRoot, Wants
from scratchpack.needs.companion.base import Companion, holding, paths
from scratchpack.needs.gather import copied, read, reasons

if TYPE_CHECKING:
    from scratchpack.needs.base import Evidence, NeedOptions, Subject
    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Sysroot

_DRIVER = re.compile(r"(?im)^\s*(?:driver|setup)(?:64)?\s*=\s*(\S+)")


class Odbc(Companion):
    """The two configuration files, and every driver that they name."""

    name = "odbc"
    summary = "ODBC connects to nothing without odbcinst.ini and a driver"
    wants = Wants(
        symbols=("SQLAllocHandle", "SQLAllocEnv", "SQLGetInstalledDrivers", "SQLGetPrivateProfileString"),
        inside=(*holding("/etc", "libodbc.so*", "libodbcinst.so*"), *holding("/odbc", "libodbc.so*")),
    )
    library = ("libodbc", "libiodbc")

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """What the library's directories hold of the configuration."""
        because = reasons(self.name, evidence)
        library = next(subject.named("libodbc.so*"), subject.program)
        named = (
            path
            for name, text in self.wants.inside
            for seen in subject.named(name)
            for path in paths(seen.strings.get(text, ()), text)
        )
        places = tuple(dict.fromkeys(named))
        files: list[Entry] = []
        drivers: list[str] = []
        for place in places:
            for name in ("odbcinst.ini", "odbc.ini"):
                text = read(root, posixpath.join(place, name))
                if text is not None:
                    files += copied(root, posixpath.join(place, name), because)
                    drivers += _DRIVER.findall(text.decode("utf-8", "replace"))
        spelled = (name if "/" in name else _beside(root, name, places) for name in dict.fromkeys(drivers))
        roots = tuple(ElfRoot(name, library.path, required=False) for name in spelled)
        return Contribution(tuple(files), roots, notes=() if files else ("ODBC: no odbcinst.ini in this root",))


def _beside(root: Sysroot, name: str, places: tuple[str, ...]) -> str:
    return next((path for place in places if root.lookup(path := posixpath.join(place, name))), name)


NEED = Odbc()
