"""Directories that packages keep for their services: file lists, tmpfiles.d and systemd units in, places with modes and owners out (N50).

Nothing of such a directory is taken, only what is stated of it: so a directory that others may not read is looked at as
well. Of an owner only whether it is root is of use; an account of a service has other numbers in an image.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack import foreign
from scratchpack.needs import places
from scratchpack.needs.gate import Gate, packages
from scratchpack.needs.gather import read
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scratchpack.packages.model import Package, Packages
    from scratchpack.sysroot.model import Sysroot

TOPS = ("/run", "/var/lib", "/var/cache", "/var/log", "/var/spool")
_TMPFILES = "/usr/lib/tmpfiles.d"
_MAKES = frozenset("dDvqQe")  # the types of tmpfiles.d(5) that are directories
_MODE = re.compile(r"[~:]*([0-7]{3,4})")
_UNIT = re.compile(r"(?:/usr)?/lib/systemd/system/[^/]+\.service")
_KEYS = {
    "RuntimeDirectory": "/run",
    "StateDirectory": "/var/lib",
    "CacheDirectory": "/var/cache",
    "LogsDirectory": "/var/log",
}
_MAX_TEXT = 1 << 16  # bytes of a unit or a file of tmpfiles.d
_SYSTEM_ACCOUNTS = 1000  # uids from here on are people


class StatedDirectory(NamedTuple):
    """A directory, and who says that it is there."""

    path: str
    mode: int
    by: str  # the file or package that states it
    service: bool  # it belongs to an account that is not root
    group: bool  # its group is not root's


class Stated:
    """What the packages of one program state.

    Args:
        root: the root behind the needs' gate.
        program: the canonical path of the program in it.
    """

    def __init__(self, root: Sysroot, program: str) -> None:
        self._root, self._behind = root, root.behind if isinstance(root, Gate) else root
        self._program = program
        self._database: Packages | None = packages(root)
        self._package = self._database.owner(program) if self._database is not None else None
        self._depends = _depends(self._database, self._package) if self._database and self._package else frozenset()

    def found(self, named: Iterable[str]) -> tuple[dict[str, StatedDirectory], str]:
        """The places, by path: those that are named, and all of a service that a unit starts this program for; and that unit's path."""
        if self._database is None or self._package is None:
            return {}, ""
        table = self._of_tmpfiles(self._database)
        found: dict[str, StatedDirectory] = {}
        for path in named:
            found |= {place.path: place for place in self._named(self._database, path, table)}
        unit, stated = self._of_unit(self._database)
        for place in stated:
            found.setdefault(place.path, place)
        return found, unit

    def _is_ours(self, package: Package | None) -> bool:
        """Whether it is of the program's source, or one that the program's package depends on by name."""
        ours = self._package
        return (
            package is not None
            and ours is not None
            and (package.source == ours.source or package.name in self._depends)
        )

    def _of_tmpfiles(self, database: Packages) -> dict[str, StatedDirectory]:
        node = self._behind.lookup(_TMPFILES)
        names = self._behind.list(node) if node is not None and node.kind == "directory" else ()
        files = [posixpath.join(_TMPFILES, name) for name in names if name.endswith(".conf")]
        owners = database.owners(files)
        table: dict[str, StatedDirectory] = {}
        for path in files:
            if self._is_ours(owners.get(path)):
                text = (read(self._root, path, _MAX_TEXT) or b"").decode("utf-8", "replace")
                table |= {place.path: place for place in tmpfiles(text, path)}
        return table

    def _named(self, database: Packages, path: str, table: dict[str, StatedDirectory]) -> Iterator[StatedDirectory]:
        """The stated directories at and above a name, and what is stated below a name that is one."""
        at = path
        while below_tops(at):
            place = table.get(at) or self._listed(database, at)
            if place is not None:
                yield place
                if at == path:
                    yield from (other for other in table.values() if other.path.startswith(f"{path}/"))
            at = posixpath.dirname(at)

    def _listed(self, database: Packages, path: str) -> StatedDirectory | None:
        """What the package's own list has, with the mode that the root has it with."""
        owner = database.owner(path)
        return self._there(path, f"package {owner.name}") if owner is not None and self._is_ours(owner) else None

    def _there(self, path: str, by: str) -> StatedDirectory | None:
        node = self._behind.lookup(path)
        if node is None or node.kind != "directory" or node.canonical != path:
            return None
        return StatedDirectory(
            path, node.mode & 0o7777, by, self._is_account(node.uid, "passwd"), self._is_account(node.gid, "group")
        )

    def _is_account(self, number: int, table: str) -> bool:
        """Whether the root knows this number as a system account: a root that an ordinary user unpacked holds that user's."""
        if not 0 < number < _SYSTEM_ACCOUNTS:
            return False
        rows = (read(self._root, f"/etc/{table}") or b"").decode("utf-8", "replace").split("\n")
        return any(row.split(":")[2:3] == [str(number)] for row in rows)

    def _of_unit(self, database: Packages) -> tuple[str, tuple[StatedDirectory, ...]]:
        """What the service of a unit of the same source has, where the unit starts this very program."""
        source = self._package.source if self._package is not None else ""
        listed = [(package, database.files(package)) for package in database.built_from(source)]
        for package, files in listed:
            for path in filter(_UNIT.fullmatch, files):
                text = (read(self._root, path, _MAX_TEXT) or b"").decode("utf-8", "replace")
                unit = parse_unit(text)
                if not any(self._starts(command) for command in unit.commands):
                    continue
                found = list(unit.places(path))
                for other in files:
                    if other.startswith(f"{_TMPFILES}/") and other.endswith(".conf"):
                        found += tmpfiles((read(self._root, other, _MAX_TEXT) or b"").decode("utf-8", "replace"), other)
                    elif below_tops(other) and (place := self._there(other, f"package {package.name}")) is not None:
                        found.append(place)
                return path, tuple(self._with_mode(place) for place in found)
        return "", ()

    def _with_mode(self, place: StatedDirectory) -> StatedDirectory:
        """A place that only has a path gets the mode that the root has it with."""
        if place.mode >= 0:
            return place
        there = self._there(place.path, place.by)
        return place._replace(mode=0o755 if there is None else there.mode)

    def _starts(self, command: str) -> bool:
        node = self._root.lookup(command) if command.startswith("/") else None
        return node is not None and node.canonical == self._program


def _depends(database: Packages, package: Package) -> frozenset[str]:
    """What a package depends on, and what those of the same source that it depends on do: php8.2-fpm has php-common by way of php8.2-common."""
    siblings = {other.name: other for other in database.built_from(package.source)}
    found: set[str] = set()
    waiting = [package]
    while waiting:
        fresh = set(waiting.pop().depends) - found
        found |= fresh
        waiting += (siblings[name] for name in sorted(fresh & siblings.keys()))
    return frozenset(found)


def below_tops(path: str) -> bool:
    """Whether it lies in one of the places where programs keep what they write."""
    return any(path.startswith(f"{top}/") for top in TOPS) and not places.is_shared(path)


def normal(path: str) -> str:
    """The path without ``..``, and /var/run by the name that it is a link to."""
    path = posixpath.normpath(path)
    return path.removeprefix("/var") if path == "/var/run" or path.startswith("/var/run/") else path


def tmpfiles(text: str, by: str) -> Iterator[StatedDirectory]:
    """The directories of a text in the form of tmpfiles.d(5): ``type path mode user group age argument``."""
    for line in text.splitlines():
        fields = [*line.split(), *("-",) * 5]
        if fields[0][:1] not in _MAKES or "%" in fields[1] or not below_tops(path := normal(fields[1].strip("\"'"))):
            continue
        mode = _MODE.fullmatch(fields[2])
        user, group = (name.lstrip(":") not in {"-", "root", "0"} for name in fields[3:5])
        yield StatedDirectory(path, int(mode[1], 8) if mode else 0o755, by, user, group)


class Unit(NamedTuple):
    """The parts of a service's unit that say what it runs and where it writes."""

    commands: tuple[str, ...]
    directories: tuple[tuple[str, int], ...]  # path and mode; -1: as it is in the root
    service: bool  # it runs as somebody else than root

    def places(self, by: str) -> Iterator[StatedDirectory]:
        """The directories as places."""
        for path, mode in self.directories:
            if below_tops(path):
                yield StatedDirectory(path, mode, by, self.service, self.service)


def parse_unit(text: str) -> Unit:
    """The ``[Service]`` section of systemd.unit(5); ``%`` specifiers and damaged quotes mean nothing here."""
    commands: list[str] = []
    values: dict[str, list[str]] = {}
    section = ""
    for line in map(str.strip, re.sub(r"\\\n", " ", text).splitlines()):
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith(("#", ";")):
            key, _, value = (part.strip() for part in line.partition("="))
            if key == "ExecStart":
                commands += _words(value.lstrip("@-:+!|"))[:1]
            else:
                values.setdefault(key, []).append(value)
    directories = []
    for key, top in _KEYS.items():
        mode = _MODE.fullmatch(values.get(f"{key}Mode", [""])[-1])
        for value in values.get(key, ()):
            names = (word.partition(":")[0] for word in _words(value))
            directories += [(posixpath.join(top, name), int(mode[1], 8) if mode else 0o755) for name in names]
    for value in values.get("ReadWritePaths", ()):
        directories += [(normal(word.lstrip("-+")), -1) for word in _words(value)]
    found = {path: mode for path, mode in reversed(directories) if "%" not in path and ".." not in path.split("/")}
    user = values.get("User", ["root"])[-1]
    runs_as_root = user in {"", "root"} or foreign.decimal(user) == 0
    dynamic = values.get("DynamicUser", ["no"])[-1].lower() in {"yes", "true", "on", "1"}
    return Unit(tuple(commands), tuple(sorted(found.items())), dynamic or not runs_as_root)


def _words(value: str) -> list[str]:
    import shlex

    try:
        return shlex.split(value)
    except ValueError:
        return []
