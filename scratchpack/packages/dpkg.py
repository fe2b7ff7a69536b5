"""dpkg's database: a root goes in; out comes who owns a path there.

It is ``var/lib/dpkg/status`` with ``info/*.list``, or ``status.d``, which images have that hold one stanza a file (distroless).
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from scratchpack import foreign
from scratchpack.errors import InputError
from scratchpack.packages.database import distribution, purl, read, spellings, without_parents
from scratchpack.packages.dpkg_lists import Lists
from scratchpack.packages.model import Package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from scratchpack.sysroot.model import Sysroot

_HOME = "/var/lib/dpkg"
_SOURCE = re.compile(r"(\S+)(?:\s+\((.+)\))?")
_DEPENDS = re.compile(r"(?:^|,)\s*([a-z0-9][a-z0-9+.-]*)")
_STATE = re.compile(
    rb"(?m)^(?:Status|Conffiles|Config-Version):.*\n(?:[ \t].*\n)*"
)  # of an installation, not of a package
_PACKAGE = re.compile(rb"(?m)^Package:[ \t]*(\S+)")
_BUILT_FROM = re.compile(rb"(?m)^Source:[ \t]*(\S+)")
_MAX_STATUS = 32 << 20  # bytes; a full Debian has some ten
_MAX_STANZA = 1 << 20
_MAX_STANZAS = 200_000
_MAX_DIVERSIONS = 4 << 20  # bytes
_MD5 = re.compile(rb"(?m)^[0-9a-f]{32}  (?:\./)?/?")


def find(root: Sysroot) -> Dpkg | None:
    """The database, where the root has one."""
    for path in ("/status", "/status.d"):
        node = root.lookup(_HOME + path)
        if node is not None and (node.kind == "directory" or node.size > 0):
            return Dpkg(root)
    return None


class _Diversion(NamedTuple):
    """The package that diverts keeps the first path; everybody else's file of that name lies at the second."""

    path: str
    moved_to: str
    package: str


class Dpkg:
    """Keys are the names of the info files: ``zlib1g:amd64``, or ``tzdata`` alone."""

    kind = "dpkg"
    problems: tuple[str, ...] = ()

    def __init__(self, root: Sysroot) -> None:
        self._root = root
        self._known: dict[str, Package | None] = {}

    def owner(self, path: str) -> Package | None:
        """See ``Packages.owner``."""
        return self._owner(path, self._lists.holding)

    def owners(self, paths: Iterable[str]) -> dict[str, Package]:
        """See ``Packages.owners``."""
        asked = tuple(paths)
        lines = {
            line for path in asked for spelling in spellings(self._root, path) for line, _ in self._listed_as(spelling)
        }
        found = self._lists.locate(lines)
        owners = ((path, self._owner(path, found.__getitem__)) for path in asked)
        return {path: package for path, package in owners if package is not None}

    def lists(self, path: str) -> bool:
        """See ``Packages.lists``: dpkg lists the directories of a package too."""
        return self.owner(path) is not None

    def _owner(self, path: str, holding: Callable[[str], Iterable[str]]) -> Package | None:
        for spelling in spellings(self._root, path):
            for listed, diverting in self._listed_as(spelling):
                for key in holding(listed):
                    allowed = diverting is None or (key.partition(":")[0] == diverting[0]) == diverting[1]
                    package = self._package(key) if allowed else None
                    if package is not None:
                        return package
        return None

    def files(self, package: Package) -> tuple[str, ...]:
        """See ``Packages.files``."""
        moved, _ = self._diversions
        for key in (f"{package.name}:{package.arch}", package.name):
            if text := self._lists.text(key):
                return without_parents(
                    moved[line].moved_to if line in moved and moved[line].package != package.name else line
                    for line in os.fsdecode(text).split("\n")
                    if line not in {"/.", ""}
                )
        return ()

    def built_from(self, source: str) -> tuple[Package, ...]:
        """See ``Packages.built_from``."""
        named = [
            name
            for name, spans in self._stanzas.items()
            if name == source or any(self._source(*span) == source for span in spans)
        ]
        packages = dict.fromkeys(self._from_stanza(fields) for name in named for _, fields in self._raw_stanzas(name))
        return tuple(package for package in packages if package.source == source)

    def _source(self, start: int, end: int) -> str | None:
        found = _BUILT_FROM.search(self._status, start, end)
        return found and foreign.legible(found[1])

    def subset(self, owned: Mapping[Package, Sequence[str]]) -> Mapping[str, bytes]:
        """See ``Packages.subset``: as distroless keeps them, a stanza and the checksums of a package in status.d."""
        files: dict[str, bytes] = {}
        for package, paths in owned.items():
            stanza = self._raw_stanza(package)
            place = f"{_HOME}/status.d/{package.name}"
            if place in files:  # of another architecture
                place += f":{package.arch}"
            files[place] = _STATE.sub(b"", stanza).strip(b"\n") + b"\n"
            if sums := self._sums(package, paths):
                files[place + ".md5sums"] = sums
        return files

    def _raw_stanza(self, package: Package) -> bytes:
        return next(
            (
                stanza
                for stanza, fields in self._raw_stanzas(package.name)
                if (fields.get("Architecture"), fields.get("Version")) == (package.arch, package.version)
            ),
            b"",
        )

    def _sums(self, package: Package, paths: Sequence[str]) -> bytes:
        wanted = {other: path for path in paths for other in spellings(self._root, path)}
        for place in ("info", "status.d"):
            for key in (f"{package.name}:{package.arch}", package.name):
                text = os.fsdecode(read(self._root, f"{_HOME}/{place}/{key}.md5sums") or b"")
                lines = [line.partition("  ") for line in text.split("\n")]
                found = [
                    (md5, wanted["/" + name.removeprefix("./")])
                    for md5, _, name in lines
                    if "/" + name.removeprefix("./") in wanted
                ]
                if found:
                    return os.fsencode("".join(f"{md5}  {path[1:]}\n" for md5, path in sorted(found, key=_second)))
        return b""

    def _listed_as(self, path: str) -> Iterator[tuple[str, tuple[str, bool] | None]]:
        """The line to look for, and which package it must or must not be: (name, must)."""
        by_path, by_place = self._diversions
        if path in by_path:
            yield path, (by_path[path].package, True)
        elif path in by_place:
            yield by_place[path].path, (by_place[path].package, False)
        else:
            yield path, None

    @cached_property
    def _diversions(self) -> tuple[dict[str, _Diversion], dict[str, _Diversion]]:
        """By the path that is diverted, and by where it is moved to."""
        text = read(self._root, f"{_HOME}/diversions", limit=_MAX_DIVERSIONS) or b""
        lines = os.fsdecode(text).split("\n")
        found = [_Diversion(*lines[at : at + 3]) for at in range(len(lines) // 3 * 3 - 3, -1, -3)]  # the first one wins
        return {one.path: one for one in found}, {one.moved_to: one for one in found}

    @cached_property
    def _distribution(self) -> tuple[str, str]:
        return distribution(self._root)

    @cached_property
    def _lists(self) -> Lists:
        return Lists(self._names, self._read)

    @cached_property
    def _names(self) -> dict[str, str]:
        """Where each package's list is; distroless images and stripped ones have md5sums alone."""
        named: dict[str, str] = {}
        for directory in (f"{_HOME}/status.d", f"{_HOME}/info"):
            node = self._root.lookup(directory)
            for name in self._root.list(node) if node is not None and node.kind == "directory" else ():
                key, _, kind = name.rpartition(".")
                if kind == "list" or (kind == "md5sums" and key not in named):
                    named[key] = f"{directory}/{name}"
        return named

    def _read(self, path: str, limit: int) -> bytes:
        text = read(self._root, path, limit=limit) or b""
        return _MD5.sub(b"/", text) if path.endswith(".md5sums") else text

    @cached_property
    def _status(self) -> bytes:
        parts = [read(self._root, f"{_HOME}/status", limit=_MAX_STATUS) or b""]
        node = self._root.lookup(f"{_HOME}/status.d")
        if node is not None and node.kind == "directory":
            left = _MAX_STATUS
            for name in self._root.list(node):
                if not name.endswith((".md5sums", ".list")):
                    parts.append(read(self._root, f"{_HOME}/status.d/{name}", limit=left) or b"")
                    left -= len(parts[-1])
        return b"\n\n" + b"\n\n".join(part.strip(b"\n") for part in parts) + b"\n\n"

    @cached_property
    def _stanzas(self) -> dict[str, list[tuple[int, int]]]:
        """Where the stanzas of each package lie, found in one pass over the text."""
        text, end = self._status, 0
        found: dict[str, list[tuple[int, int]]] = {}
        count = 0
        while match := _PACKAGE.search(text, end):
            start = text.rfind(b"\n\n", end, match.start()) + 2 or end
            end = text.find(b"\n\n", match.start())
            count += 1
            if end - start > _MAX_STANZA or count > _MAX_STANZAS:
                raise InputError(
                    f"cannot read the package database {_HOME}/status of {self._root.name}: a stanza of over "
                    f"{_MAX_STANZA >> 20} MiB, or over {_MAX_STANZAS} of them"
                )
            found.setdefault(foreign.legible(match[1]), []).append((start, end))
        return found

    def _package(self, key: str) -> Package | None:
        if key not in self._known:
            name, _, arch = key.partition(":")
            stanzas = (
                fields for _, fields in self._raw_stanzas(name) if not arch or fields.get("Architecture") == arch
            )
            fields = next(stanzas, None)
            self._known[key] = self._from_stanza(fields) if fields is not None else None
        return self._known[key]

    def _raw_stanzas(self, name: str) -> Iterator[tuple[bytes, dict[str, str]]]:
        for start, end in self._stanzas.get(name, ()):
            stanza = self._status[start:end]
            fields = _fields(foreign.legible(stanza))
            if fields.get("Status", "installed").split()[-1:] == ["installed"]:  # status.d has no Status
                yield stanza, fields

    def _from_stanza(self, fields: dict[str, str]) -> Package:
        name, version, arch = (fields.get(field, "") for field in ("Package", "Version", "Architecture"))
        match = _SOURCE.fullmatch(fields.get("Source", ""))
        text = f"/usr/share/doc/{name}/copyright"
        return Package(
            name=name,
            version=version,
            arch=arch,
            source=match[1] if match else name,
            source_version=(match[2] if match else None) or version,
            licence="",
            copyright=text if self._root.lookup(text) else None,
            maintainer=fields.get("Maintainer", ""),
            purl=purl("deb", self._distribution, name, version, arch=arch),
            depends=tuple(_DEPENDS.findall(fields.get("Depends", ""))),
        )


def _fields(stanza: str) -> dict[str, str]:
    """The first lines of each field; continuation lines are for people."""
    fields: dict[str, str] = {}
    for line in stanza.split("\n"):
        if not line.startswith((" ", "\t")):
            key, _, value = line.partition(":")
            fields[key] = value.strip()
    return fields


def _second(pair: tuple[str, str]) -> str:
    return pair[1]
