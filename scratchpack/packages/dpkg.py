"""dpkg: var/lib/dpkg/status and info/*.list; status.d of images that hold one stanza a file (distroless)."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from scratchpack.packages.database import distribution, purl, read, spellings, without_parents
from scratchpack.packages.model import Package

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scratchpack.sysroot.model import Sysroot

_HOME = "/var/lib/dpkg"
_SOURCE = re.compile(r"(\S+)(?:\s+\((.+)\))?")
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
        self.spans: dict[str, tuple[int, int]] = {}
        parts: list[bytes] = []
        at = 0
        for key, text in lists:
            part = b"\n" + text.strip(b"\n") + b"\n"
            self.starts.append(at)
            self.keys.append(key)
            self.spans[key] = (at, at + len(part))
            parts.append(part)
            at += len(part)
        self.text = b"".join(parts)

    def holding(self, path: str) -> Iterator[str]:
        """Keys of the lists with this line."""
        from bisect import bisect_right

        line = b"\n" + os.fsencode(path) + b"\n"
        at = self.text.find(line)
        while at >= 0:
            yield self.keys[bisect_right(self.starts, at) - 1]
            at = self.text.find(line, at + 1)

    def lines(self, key: str) -> list[str]:
        """The paths of one list."""
        start, end = self.spans.get(key, (0, 0))
        return [os.fsdecode(line) for line in self.text[start:end].split(b"\n") if line]


class Dpkg:
    """Keys are the names of the info files: ``zlib1g:amd64``, or ``tzdata`` alone."""

    kind = "dpkg"
    problems: tuple[str, ...] = ()

    def __init__(self, root: Sysroot) -> None:
        self._root = root
        self._known: dict[str, Package | None] = {}

    def owner(self, path: str) -> Package | None:
        """See ``Packages.owner``."""
        for spelling in spellings(self._root, path):
            for listed, diverting in self._listed_as(spelling):
                for key in self._lists.holding(listed):
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
            if lines := self._lists.lines(key):
                return without_parents(
                    moved[line].moved_to if line in moved and moved[line].package != package.name else line
                    for line in lines
                    if line != "/."
                )
        return ()

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
        return _Lists(self._read_lists())

    def _read_lists(self) -> Iterator[tuple[str, bytes]]:
        named: dict[str, str] = {}
        for directory in (f"{_HOME}/status.d", f"{_HOME}/info"):
            node = self._root.lookup(directory)
            for name in self._root.list(node) if node is not None and node.kind == "directory" else ():
                key, _, kind = name.rpartition(".")
                if kind == "list" or (kind == "md5sums" and key not in named):
                    named[key] = f"{directory}/{name}"
        for key, path in named.items():
            text = read(self._root, path) or b""
            yield key, _MD5.sub(b"/", text) if path.endswith(".md5sums") else text

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
        mark = f"\nPackage: {name}\n".encode("utf-8", "surrogateescape")
        at = self._status.find(mark)
        while at >= 0:
            start = self._status.rfind(b"\n\n", 0, at + 1) + 2
            end = self._status.find(b"\n\n", at + 1)
            fields = _fields(self._status[start:end].decode("utf-8", "surrogateescape"))
            if fields.get("Status", "installed").split()[-1:] == ["installed"]:  # status.d has no Status
                yield fields
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
