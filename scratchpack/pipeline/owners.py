"""Which distribution package each file of an image came from: entries go in, packages come out, by the root that each file was copied from."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from scratchpack.packages import open_database
from scratchpack.rootfs import File

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.packages.model import Package, Packages
    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Sysroot

MAX_TEXT = 4 << 20  # bytes of one copyright file


class Owned(NamedTuple):
    """One file of the image and the package that installed it where it was copied from."""

    entry: File
    root: Sysroot
    path: str  # in that root
    package: Package


class Owners:
    """The package databases of the roots of one run, each opened when a file of it is asked about."""

    def __init__(self, *roots: Sysroot) -> None:
        self._roots = {root.name: root for root in roots}
        self._databases: dict[str, Packages | None] = {}

    def of(self, entries: Iterable[Entry]) -> tuple[Owned, ...]:
        """The files that a package owns, in the order of the entries."""
        found = []
        for entry in entries:
            if not isinstance(entry, File) or entry.source.origin is None:
                continue
            name, path = entry.source.origin
            database = self.database(name)
            package = None if database is None else database.owner(path)
            if package is not None:
                found.append(Owned(entry, self._roots[name], path, package))
        return tuple(found)

    def database(self, name: str) -> Packages | None:
        """The package database of the root of this name."""
        if name not in self._databases:
            self._databases[name] = open_database(self._roots[name]) if name in self._roots else None
        return self._databases[name]

    @property
    def problems(self) -> tuple[str, ...]:
        """Why databases that were asked could not answer."""
        return tuple(
            text for database in self._databases.values() if database is not None for text in database.problems
        )


def copyright_text(root: Sysroot, package: Package) -> str:
    """What the package's copyright file says; empty without one."""
    node = None if package.copyright is None else root.lookup(package.copyright)
    if node is None or node.kind != "file":
        return ""
    with root.open(node) as stream:
        return stream.read(MAX_TEXT).decode("utf-8", "replace")


def licence_files(root: Sysroot, database: Packages, package: Package) -> tuple[str, ...]:
    """The package's licence texts in its root: Debian's copyright file, else what lies in /usr/share/licenses."""
    if package.copyright is not None:
        return (package.copyright,)
    return tuple(
        path
        for path in database.files(package)
        if path.startswith("/usr/share/licenses/") and root.lookup(path) is not None and posixpath.basename(path)
    )
