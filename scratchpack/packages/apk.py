"""apk's database: a root goes in; out comes who owns a path there. ``lib/apk/db/installed`` has records of one-letter fields between blank lines."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING

from scratchpack import foreign
from scratchpack.packages.database import Total, distribution, purl, read, spellings, without_parents
from scratchpack.packages.model import Package

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from scratchpack.sysroot.model import Sysroot

_MAX_TEXT = 32 << 20  # bytes; the largest image of Alpine or Wolfi seen has three
_PLACES = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")


def find(root: Sysroot) -> Apk | None:
    """The database, where the root has one."""
    for path in _PLACES:
        node = root.lookup(path)
        if node is not None and node.kind == "file" and node.size > 0:
            return Apk(root, path)
    return None


class Apk:
    """One pass over the text: Alpine's roots are small, and paths are split over F: and R: lines."""

    kind = "apk"
    problems: tuple[str, ...] = ()

    def __init__(self, root: Sysroot, path: str) -> None:
        self._root = root
        self._path = path

    def owner(self, path: str) -> Package | None:
        """See ``Packages.owner``."""
        for spelling in spellings(self._root, path):
            if spelling in self._owners:
                return self._owners[spelling]
            if spelling in self._directories:
                return self._directories[spelling]
        return None

    def owners(self, paths: Iterable[str]) -> dict[str, Package]:
        """See ``Packages.owners``."""
        return {path: package for path in paths if (package := self.owner(path)) is not None}

    def lists(self, path: str) -> bool:
        """See ``Packages.lists``."""
        return self.owner(path) is not None

    def files(self, package: Package) -> tuple[str, ...]:
        """See ``Packages.files``."""
        return without_parents(path for path, owner in self._owners.items() if owner == package)

    def built_from(self, source: str) -> tuple[Package, ...]:
        """See ``Packages.built_from``."""
        return tuple(package for package in dict.fromkeys(self._owners.values()) if package.source == source)

    def subset(self, owned: Mapping[Package, Sequence[str]]) -> Mapping[str, bytes]:
        """See ``Packages.subset``."""
        wanted = {
            (package.name, package.version): {other for path in paths for other in spellings(self._root, path)}
            for package, paths in owned.items()
        }
        kept = []
        for record in self._text.split("\n\n"):
            fields = {line[0]: line[2:] for line in reversed(record.split("\n")) if line[1:2] == ":"}
            paths = wanted.get((foreign.legible(fields.get("P", "")), foreign.legible(fields.get("V", ""))))
            if paths is not None:
                kept.append("\n".join(_cut(record, paths)) + "\n\n")
        node = self._root.lookup(self._path)
        return {node.canonical: os.fsencode("".join(kept))} if node is not None and kept else {}

    @cached_property
    def _text(self) -> str:
        return os.fsdecode(read(self._root, self._path, limit=_MAX_TEXT) or b"")

    @property
    def _owners(self) -> dict[str, Package]:
        return self._tables[0]

    @property
    def _directories(self) -> dict[str, Package]:
        """The first package that lists each."""
        return self._tables[1]

    @cached_property
    def _tables(self) -> tuple[dict[str, Package], dict[str, Package]]:
        distro = distribution(self._root)
        owners: dict[str, Package] = {}
        directories: dict[str, Package] = {}
        total = Total(f"{self._root.name}{self._path}")
        for record in self._text.split("\n\n"):
            fields: dict[str, str] = {}
            directory, paths = "/", []
            listed: list[str] = []
            for line in record.split("\n"):
                letter, _, value = line.partition(":")
                if letter == "F":
                    directory = "/" + value
                    listed.append(directory)
                elif letter == "R":
                    paths.append(total.path(f"{directory.rstrip('/')}/{value}"))
                elif len(letter) == 1:
                    fields.setdefault(letter, foreign.legible(value))
            if "P" in fields:
                package = _package(fields, distro)
                owners |= dict.fromkeys(paths, package)
                directories = dict.fromkeys(listed, package) | directories
        return owners, directories


def _package(fields: dict[str, str], distro: tuple[str, str]) -> Package:
    name, version, arch = fields["P"], fields.get("V", ""), fields.get("A", "")
    return Package(
        name=name,
        version=version,
        arch=arch,
        source=fields.get("o", name),
        source_version=version,
        licence=fields.get("L", ""),
        copyright=None,
        maintainer=fields.get("m", ""),
        purl=purl("apk", distro, name, version, arch=arch),
        depends=tuple(re.split("[<>=~]", word)[0] for word in fields.get("D", "").split() if word[0] != "!"),
    )


def _cut(record: str, paths: set[str]) -> Iterator[str]:
    """A record's lines, of its directories and files those that are wanted; M, a and Z belong to the line before them."""
    directory, keep = "/", True
    heading: list[str] = []
    for line in record.strip("\n").split("\n"):
        letter, _, value = line.partition(":")
        if letter == "F":
            directory, heading, keep = "/" + value, [line], False
        elif letter == "R":
            keep = f"{directory.rstrip('/')}/{value}" in paths
            if keep:
                yield from heading
                yield line
                heading = []
        elif letter == "M" and heading:
            heading.append(line)
        elif keep:
            yield line
