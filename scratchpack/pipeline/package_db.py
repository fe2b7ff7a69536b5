"""``--package-db``: planned files go in; out come the entries that scanners and lawyers look for in an image that has no package manager.

Of the packages whose files were copied: their entries in the database's own format (Debian's as distroless keeps them, a file
a package), the root's os-release, and their licence texts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack.pipeline.owners import Owners, copyright_text, licence_files
from scratchpack.rootfs import RANK_GENERATED, RANK_ROOT, File, Reason, inline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.packages.model import Package, Packages
    from scratchpack.pipeline.gather import Gatherer
    from scratchpack.pipeline.owners import Owned
    from scratchpack.rootfs import Entry, Rootfs
    from scratchpack.sysroot.model import Sysroot

OPTION = "--package-db"
_COMMON = re.compile(r"/usr/share/common-licenses/[A-Za-z0-9.+-]*[A-Za-z0-9+]")
_OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")


def package_entries(
    rootfs: Rootfs, gatherer: Gatherer, root: Sysroot, *, asked: bool = True
) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """The entries to add for the files that came from ``root``, and warnings about those for which there is none.

    Entries give way to what the user included at the same path. Where nobody ``asked``, a root without packages is none to speak of.
    """
    owners = Owners(root)
    owned = owners.of(rootfs)
    database = owners.database(root.name)
    if (database is None or not owned) and not asked:
        return (), owners.problems
    if database is None:
        return (), (f"{OPTION}: {root.name} has no package database that is known here (dpkg, apk, rpm)",)
    if not owned:
        return (), owners.problems or (f"{OPTION}: no package of {root.name} owns a file of this image",)
    by_package: dict[Package, list[Owned]] = {}
    for one in owned:
        by_package.setdefault(one.package, []).append(one)
    without = []  # packages that have no licence text here
    entries = [*_records(database, by_package), *_os_release(gatherer, root)]
    for package, files in by_package.items():
        reason = Reason("option", OPTION, f"{package.name} owns {files[0].entry.path}")
        texts = [
            entry for path in _licences(root, database, package) for entry in _copied(gatherer, root, path, reason)
        ]
        if not texts:
            without.append(package.name)
        entries += texts
    warnings = [f"{OPTION}: no licence text of {', '.join(sorted(without))} in {root.name}"] if without else []
    if not any(isinstance(entry, File) and entry.rank == RANK_GENERATED for entry in entries):
        warnings.append(
            f"{OPTION}: the {database.kind} database cannot be cut down to these packages, so scanners will not see them"
        )
    return tuple(entry for entry in entries if entry.path not in rootfs), tuple(warnings)


def _records(database: Packages, by_package: dict[Package, list[Owned]]) -> Iterator[Entry]:
    cut = database.subset({package: tuple(one.path for one in files) for package, files in by_package.items()})
    for path, data in cut.items():
        yield File(path, inline(data), because=(Reason("option", OPTION),), rank=RANK_GENERATED)


def _os_release(gatherer: Gatherer, root: Sysroot) -> Iterator[Entry]:
    for path in _OS_RELEASE:
        found = tuple(_copied(gatherer, root, path, Reason("option", OPTION, "which distribution the packages are of")))
        yield from found
        if found:
            return


def _licences(root: Sysroot, database: Packages, package: Package) -> Iterator[str]:
    """The package's own texts, and the common licences that they refer to instead of quoting them."""
    yield from licence_files(root, database, package)
    yield from sorted(set(_COMMON.findall(copyright_text(root, package))))


def _copied(gatherer: Gatherer, root: Sysroot, path: str, reason: Reason) -> Iterator[Entry]:
    node = root.lookup(path)
    if node is None or node.kind != "file":
        return
    yield gatherer.file(root, node, reason, runs=False, rank=RANK_ROOT)
    yield from gatherer.links(root, node, reason)
