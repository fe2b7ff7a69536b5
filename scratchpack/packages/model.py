"""What a package database answers, whichever tool keeps it: the values and the protocol of this room, nothing read here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Package(NamedTuple):
    """One installed package, in its own distribution's words."""

    name: str
    version: str  # with epoch and release, as the distribution writes it
    arch: str
    source: str  # the source package it was built from
    source_version: str
    licence: str  # what the database says ("GPL-2.0-only"); "" where it keeps texts instead
    copyright: str | None  # path of the licence text in the root (dpkg)
    maintainer: str
    purl: str
    depends: tuple[str, ...] = ()  # names of the packages that it depends on, versions and alternatives left out


class Packages(Protocol):
    """The database of one root."""

    @property
    def kind(self) -> str:
        """Which tool keeps it: "dpkg", "apk" or "rpm"."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it cannot answer, one sentence each; empty for a database that was read."""

    def owner(self, path: str) -> Package | None:
        """The package that installed the file at this absolute path."""

    def owners(self, paths: Iterable[str]) -> dict[str, Package]:
        """The same for many paths in one pass; paths that no package owns are left out."""

    def lists(self, path: str) -> bool:
        """Whether a package lists this very path; directories count, which dpkg, apk and rpm list as well as files."""

    def files(self, package: Package) -> tuple[str, ...]:
        """What the package installed: absolute paths where they lie now, without the directories above them."""

    def built_from(self, source: str) -> tuple[Package, ...]:
        """The installed packages that were built from this source package."""

    def subset(self, owned: Mapping[Package, Sequence[str]]) -> Mapping[str, bytes]:
        """A database of these packages with these of their files alone: path and content of each file of it.

        Empty where the format cannot be cut down (rpm).
        """
