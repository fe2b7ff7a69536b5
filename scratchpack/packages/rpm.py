"""rpm's database: a root goes in; out comes who owns a path there.

sqlite and ndb are read; the BerkeleyDB of old versions is recognised, and reported as one that cannot be read.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from scratchpack.packages.database import Total, distribution, purl, read, spellings, without_parents
from scratchpack.packages.model import Package
from scratchpack.packages.rpm_header import RpmHeader, read_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from scratchpack.sysroot.model import Sysroot

_HOMES = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
_SOURCE = re.compile(r"(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm")


def find(root: Sysroot) -> Rpm | None:
    """The database, where the root has one."""
    for home in _HOMES:
        for name, reader in (("rpmdb.sqlite", _sqlite), ("Packages.db", _ndb), ("Packages", _berkeley)):
            node = root.lookup(f"{home}/{name}")
            if node is not None and node.kind == "file" and node.size > 0:
                return Rpm(root, f"{home}/{name}", reader)
    return None


class Rpm:
    """All headers are read at the first question: each holds the file names of its package."""

    kind = "rpm"

    def __init__(self, root: Sysroot, path: str, reader: Callable[[Sysroot, str], Iterator[bytes]]) -> None:
        self._root = root
        self._path = path
        self._reader = reader

    @property
    def problems(self) -> tuple[str, ...]:
        """See ``Packages.problems``."""
        if self._reader is not _berkeley:
            return ()
        why = "a BerkeleyDB, as rpm before 4.16 kept it; `rpmdb --rebuilddb` of a newer rpm turns it into sqlite"
        return (f"cannot read {self._path} of {self._root.name}: {why}",)

    def owner(self, path: str) -> Package | None:
        """See ``Packages.owner``."""
        for spelling in spellings(self._root, path):
            if spelling in self._owners:
                return self._owners[spelling]
        return None

    def owners(self, paths: Iterable[str]) -> dict[str, Package]:
        """See ``Packages.owners``."""
        return {path: package for path in paths if (package := self.owner(path)) is not None}

    def lists(self, path: str) -> bool:
        """See ``Packages.lists``: the directories of a package stand among its files."""
        return self.owner(path) is not None

    def files(self, package: Package) -> tuple[str, ...]:
        """See ``Packages.files``."""
        return without_parents(path for path, owner in self._owners.items() if owner == package)

    def built_from(self, source: str) -> tuple[Package, ...]:
        """See ``Packages.built_from``."""
        return tuple(package for package in dict.fromkeys(self._owners.values()) if package.source == source)

    def subset(self, owned: Mapping[Package, Sequence[str]]) -> Mapping[str, bytes]:  # noqa: ARG002 - the protocol's
        """See ``Packages.subset``: the database is one binary file of signed headers."""
        return {}

    @cached_property
    def _owners(self) -> dict[str, Package]:
        distro = distribution(self._root)
        owners: dict[str, Package] = {}
        origin = f"{self._root.name}{self._path}"
        total = Total(origin)
        for blob in self._reader(self._root, self._path):
            header = read_header(blob, origin=origin)
            owners |= dict.fromkeys(map(total.path, header.paths), _package(header, distro))
        return owners


def _package(header: RpmHeader, distro: tuple[str, str]) -> Package:
    epoch = f"{header.epoch}:" if header.epoch else ""
    version = f"{epoch}{header.version}-{header.release}"
    match = _SOURCE.fullmatch(header.source_rpm)
    return Package(
        name=header.name,
        version=version,
        arch=header.arch,
        source=match[1] if match else header.name,
        source_version=epoch + match[2] if match else version,
        licence=header.licence,
        copyright=None,
        maintainer=header.packager or header.vendor,
        purl=purl(
            "rpm",
            distro,
            header.name,
            f"{header.version}-{header.release}",
            arch=header.arch,
            epoch=str(header.epoch or ""),
            upstream=header.source_rpm,
        ),
        depends=tuple(name for name in header.requires if name[:1] != "/" and "(" not in name),
    )


def _sqlite(root: Sysroot, path: str) -> Iterator[bytes]:
    from scratchpack.packages.rpm_sqlite import blobs

    yield from blobs(root, path)


def _ndb(root: Sysroot, path: str) -> Iterator[bytes]:
    from scratchpack.packages.rpm_ndb import MAX_NDB, blobs

    yield from blobs(read(root, path, limit=MAX_NDB) or b"", origin=f"{root.name}{path}")


def _berkeley(_root: Sysroot, _path: str) -> Iterator[bytes]:
    yield from ()
