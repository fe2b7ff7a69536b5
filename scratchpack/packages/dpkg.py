"""dpkg: var/lib/dpkg/status and info/*.list; status.d of images that hold one stanza a file (distroless)."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from scratchpack.packages.database import distribution, purl, read, spellings, without_parents
from scratchpack.packages.model import Package

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from scratchpack.sysroot.model import Sysroot

_HOME = "/var/lib/dpkg"
_SOURCE = re.compile(r"(\S+)(?:\s+\((.+)\))?")
_STATE = re.compile(
    rb"(?m)^(?:Status|Conffiles|Config-Version):.*\n(?:[ \t].*\n)*"
)  # of an installation, not of a package
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


class _Lists:
    """All file lists as one text: each list stands between newlines, and its place says whose it is."""

    def __init__(self, lists: Iterable[tuple[str, bytes]]) -> None:
        self.starts: list[int] = []
        self.keys: list[str] = []
        parts: list[bytes] = []
        at = 0
        for key, text in lists:
            self.starts.append(at)
            self.keys.append(key)
            parts.append(text)
            at += len(text)
        self.text = b"".join(parts)

    def holding(self, path: str) -> Iterator[str]:
        """Keys of the lists with this line."""
        from bisect import bisect_right

        line = b"\n" + os.fsencode(path) + b"\n"
        at = self.text.find(line)
        while at >= 0:
            yield self.keys[bisect_right(self.starts, at) - 1]
            at = self.text.find(line, at + 1)


class Dpkg:
    """Keys are the names of the info files: ``zlib1g:amd64``, or ``tzdata`` alone."""

    kind = "dpkg"
    problems: tuple[str, ...] = ()

    def __init__(self, root: Sysroot) -> None:
        self._root = root
        self._known: dict[str, Package | None] = {}
        self._read: dict[str, bytes] = {}

    def owner(self, path: str) -> Package | None:
        """See ``Packages.owner``."""
        for spelling in spellings(self._root, path):
            for listed, diverting in self._listed_as(spelling):
                for key in self._holding(listed):
                    allowed = diverting is None or (key.partition(":")[0] == diverting[0]) == diverting[1]
                    package = self._package(key) if allowed else None
                    if package is not None:
                        return package
        return None

    def owners(self, paths: Iterable[str]) -> dict[str, Package]:
        """See ``Packages.owners``."""
        return {path: package for path in paths if (package := self.owner(path)) is not None}

    def files(self, package: Package) -> tuple[str, ...]:
        """See ``Packages.files``."""
        moved = {diversion.path: diversion for diversion in self._diversions}
        for key in (f"{package.name}:{package.arch}", package.name):
            if text := self._list(key):
                return without_parents(
                    moved[line].moved_to if line in moved and moved[line].package != package.name else line
                    for line in os.fsdecode(text).split("\n")
                    if line not in {"/.", ""}
                )
        return ()

    def built_from(self, source: str) -> tuple[Package, ...]:
        """See ``Packages.built_from``."""
        named = (key for key in self._packages if key == source or self._sources.get(key) == source)
        packages = dict.fromkeys(self._from_stanza(fields) for key in named for fields in self._stanzas(key))
        return tuple(package for package in packages if package.source == source)

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
                lines = [line.partition("  ") for line in text.splitlines()]
                found = [
                    (md5, wanted["/" + name.removeprefix("./")])
                    for md5, _, name in lines
                    if "/" + name.removeprefix("./") in wanted
                ]
                if found:
                    return os.fsencode("".join(f"{md5}  {path[1:]}\n" for md5, path in sorted(found, key=_second)))
        return b""

    @cached_property
    def _packages(self) -> tuple[str, ...]:
        names = re.findall(rb"(?m)^Package: (\S+)$", self._status)
        return tuple(dict.fromkeys(os.fsdecode(name) for name in names))

    @cached_property
    def _sources(self) -> dict[str, str]:
        pairs = re.findall(rb"(?m)^Package: (\S+)\n(?:.+\n)*?Source: (\S+)", self._status)
        return {os.fsdecode(name): os.fsdecode(source) for name, source in pairs}

    def _holding(self, line: str) -> Iterator[str]:
        """Keys of the lists with this line: a package named like the file is asked before all 3,000 are read."""
        start = line.rpartition("/")[2][:3]
        wanted = b"\n" + os.fsencode(line) + b"\n"
        likely = [key for key in self._names if start and key.startswith(start) and wanted in self._list(key)]
        yield from likely or self._lists.holding(line)

    def _listed_as(self, path: str) -> Iterator[tuple[str, tuple[str, bool] | None]]:
        """The line to look for, and which package it must or must not be: (name, must)."""
        for diversion in self._diversions:
            if path == diversion.path:
                yield path, (diversion.package, True)
                return
            if path == diversion.moved_to:
                yield diversion.path, (diversion.package, False)
                return
        yield path, None

    @cached_property
    def _diversions(self) -> tuple[_Diversion, ...]:
        lines = os.fsdecode(read(self._root, f"{_HOME}/diversions") or b"").splitlines()
        return tuple(_Diversion(*lines[at : at + 3]) for at in range(0, len(lines) - 2, 3))

    @cached_property
    def _distribution(self) -> tuple[str, str]:
        return distribution(self._root)

    @cached_property
    def _lists(self) -> _Lists:
        return _Lists((key, self._list(key)) for key in self._names)

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

    def _list(self, key: str) -> bytes:
        """The paths of one package, each between newlines."""
        if key not in self._read:
            path = self._names.get(key)
            text = (read(self._root, path) if path else None) or b""
            text = _MD5.sub(b"/", text) if path is not None and path.endswith(".md5sums") else text
            self._read[key] = b"\n" + text.strip(b"\n") + b"\n" if text else b""
        return self._read[key]

    @cached_property
    def _status(self) -> bytes:
        parts = [read(self._root, f"{_HOME}/status") or b""]
        node = self._root.lookup(f"{_HOME}/status.d")
        if node is not None and node.kind == "directory":
            parts += [
                read(self._root, f"{_HOME}/status.d/{name}") or b""
                for name in self._root.list(node)
                if not name.endswith((".md5sums", ".list"))
            ]
        return b"\n\n" + b"\n\n".join(part.strip(b"\n") for part in parts) + b"\n\n"

    def _package(self, key: str) -> Package | None:
        if key not in self._known:
            name, _, arch = key.partition(":")
            stanzas = [fields for fields in self._stanzas(name) if not arch or fields.get("Architecture") == arch]
            self._known[key] = self._from_stanza(stanzas[0]) if stanzas else None
        return self._known[key]

    def _stanzas(self, name: str) -> Iterator[dict[str, str]]:
        return (fields for _, fields in self._raw_stanzas(name))

    def _raw_stanzas(self, name: str) -> Iterator[tuple[bytes, dict[str, str]]]:
        mark = f"\nPackage: {name}\n".encode("utf-8", "surrogateescape")
        at = self._status.find(mark)
        while at >= 0:
            start = self._status.rfind(b"\n\n", 0, at + 1) + 2
            end = self._status.find(b"\n\n", at + 1)
            stanza = self._status[start:end]
            fields = _fields(stanza.decode("utf-8", "surrogateescape"))
            if fields.get("Status", "installed").split()[-1:] == ["installed"]:  # status.d has no Status
                yield stanza, fields
            at = self._status.find(mark, at + 1)

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
        )


def _fields(stanza: str) -> dict[str, str]:
    """The first lines of each field; continuation lines are for people."""
    fields: dict[str, str] = {}
    for line in stanza.splitlines():
        if not line.startswith((" ", "\t")):
            key, _, value = line.partition(":")
            fields[key] = value.strip()
    return fields


def _second(pair: tuple[str, str]) -> str:
    return pair[1]
