"""The bill of materials of one image: the pipeline fills in files, packages and parts, a module a format writes it out.

The package URLs and the identifiers that both formats use are computed here, from the content alone.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from typing import TYPE_CHECKING, NamedTuple

from scratchpack import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scratchpack.packages.model import Package

_NAMESPACE = uuid.UUID("6f6b9c5e-4b0e-5d0c-9a6e-3f1c2b7d8e90")


class Part(NamedTuple):
    """Something that was built into a program, a Go module, a Rust crate; or installed for a script, a package of PyPI, npm, RubyGems or CPAN."""

    kind: str  # the package URL's type: "golang" | "cargo" | "pypi" | "npm" | "gem" | "cpan"
    name: str
    version: str = ""  # without one, it was built from a working directory
    role: str = "linked"  # "main": the program is built from it; "build": only used while building

    @property
    def purl(self) -> str:
        """Its package URL."""
        from packageurl import PackageURL

        namespace, _, name = self.name.rpartition("/")
        return PackageURL(self.kind, namespace or None, name, self.version or None).to_string()


class Licence(NamedTuple):
    """What a package is licensed under. ``others`` are the ``LicenseRef-`` names in it and the package's own words."""

    expression: str  # SPDX; "" where nothing machine-readable says it
    others: tuple[tuple[str, str], ...] = ()


class Item(NamedTuple):
    """One regular file of the image."""

    path: str
    sha1: str  # hexadecimal; SPDX 2.3 wants it of every file
    sha256: str
    elf: bool = False
    build_id: str | None = None
    owner: Package | None = None
    parts: tuple[Part, ...] = ()

    @property
    def text(self) -> str:
        """The path as a document can say it: bytes that are no UTF-8 are escaped."""
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")


class Bill(NamedTuple):
    """Everything about one platform's image."""

    name: str  # of the image, without a tag
    version: str  # its tag
    platform: str
    created: int  # seconds since 1970
    items: tuple[Item, ...]  # in the order of their paths
    licences: Mapping[str, Licence]  # by the package's purl
    digest: str = ""  # of the image's manifest; a file tree has none

    @property
    def packages(self) -> tuple[Package, ...]:
        """The distribution packages that own files, by package URL."""
        found = {item.owner.purl: item.owner for item in self.items if item.owner is not None}
        return tuple(found[purl] for purl in sorted(found))

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts of all programs once, by package URL; the role is of no importance then."""
        found = {part.purl: part for item in self.items for part in item.parts}
        return tuple(found[purl] for purl in sorted(found))

    @property
    def purl(self) -> str:
        """The image's own package URL; empty for a file tree."""
        if not self.digest:
            return ""
        from packageurl import PackageURL

        name = self.name.rpartition("/")[2]
        qualifiers = {"repository_url": self.name, "tag": self.version, "arch": self.platform.partition("/")[2]}
        return PackageURL("oci", None, name, self.digest, qualifiers).to_string()

    @property
    def identity(self) -> uuid.UUID:
        """The same for the same bill, and for no other."""
        lines = [__version__, self.name, self.version, self.platform, str(self.created), self.digest]
        for item in self.items:
            lines += [item.text, item.sha256, item.owner.purl if item.owner else "", repr(item.parts)]
        lines += [f"{purl} {licence}" for purl, licence in sorted(self.licences.items())]
        return uuid.uuid5(_NAMESPACE, hashlib.sha256("\n".join(lines).encode()).hexdigest())
