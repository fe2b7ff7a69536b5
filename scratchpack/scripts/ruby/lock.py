"""Bundler's files beside a program: its Gemfile.lock and settings are read as text, names and versions of gems come out.

Gemfile.lock is not Ruby: sections in capitals, gems with their versions indented by four (``Bundler::LockfileParser``). The Gemfile itself is a program and is not run.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple
from scratchpack.scripts.text import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.sysroot.model import Sysroot

MAX_LOCK = 1 << 20  # bytes
_SPEC = re.compile(r" {4}([A-Za-z0-9_.-]+) \(([^)\s]+)\)")
_SECTIONS = frozenset({"GEM", "PATH", "GIT"})
_SETTING = re.compile(r"^BUNDLE_PATH:\s*[\"']?([^\"'\n]+)", re.MULTILINE)


class Locked(NamedTuple):
    """One gem of a lock file; ``version`` without its platform, ``source`` is "GEM", "PATH" or "GIT", ``remote`` where that comes from."""

    name: str
    version: str
    line: int
    source: str = "GEM"
    remote: str = ""


class Gemfile(NamedTuple):
    """A Gemfile with its lock and settings.

    ``path`` is where bundler installed, "" for the system's gems. ``partial`` means that the settings leave groups out, so that not every gem of the lock
    has to be there.
    """

    directory: str
    gemfile: str
    lock: str
    settings: str
    path: str
    locked: tuple[Locked, ...]
    partial: bool = False

    def gem_directories(self, root: Sysroot) -> tuple[str, ...]:
        """``vendor/bundle/ruby/3.1.0``: one directory an engine and ABI."""
        node = root.lookup(f"{self.path}/ruby") if self.path else None
        names = root.list(node) if node is not None and node.kind == "directory" else ()
        return tuple(f"{self.path}/ruby/{name}" for name in sorted(names, reverse=True))


def gemfile_of(root: Sysroot, script: str) -> Gemfile | None:
    """The nearest Gemfile.lock at or above a script's directory; ``None`` without one.

    Raises:
        ScriptError: it is over a bound.
    """
    directory = posixpath.dirname(script)
    while True:
        for gemfile, lock in (("Gemfile", "Gemfile.lock"), ("gems.rb", "gems.locked")):
            node = root.lookup(posixpath.join(directory, lock))
            if node is not None and node.kind == "file" and root.lookup(posixpath.join(directory, gemfile)) is not None:
                text = read(root, node, MAX_LOCK).data.decode("utf-8", "replace")
                settings, path, partial = _settings(root, directory)
                return Gemfile(
                    directory, posixpath.join(directory, gemfile), node.canonical, settings, path, tuple(_locked(text)), partial,
                )  # fmt: skip
        if directory in {"/", ""}:
            return None
        directory = posixpath.dirname(directory)


def _settings(root: Sysroot, directory: str) -> tuple[str, str, bool]:
    """The file with the settings, the directory of the gems, and whether groups are left out."""
    path = posixpath.join(directory, ".bundle/config")
    node = root.lookup(path)
    text = ""
    if node is not None and node.kind == "file":
        text = read(root, node, MAX_LOCK).data.decode("utf-8", "replace")
    stated = _SETTING.search(text)
    place = posixpath.normpath(posixpath.join(directory, stated[1].strip() if stated else "vendor/bundle"))
    found = root.lookup(place) if "\0" not in place else None
    inside = place if found is not None and found.kind == "directory" else ""
    return (path if text else ""), inside, "BUNDLE_WITHOUT" in text


def _locked(text: str) -> Iterator[Locked]:
    section = remote = ""
    for number, line in enumerate(text.splitlines(), 1):
        if line[:1].strip():
            section, remote = line.strip(), ""
        elif line.startswith("  remote: "):
            remote = line.removeprefix("  remote: ").strip()
        elif section in _SECTIONS and (match := _SPEC.fullmatch(line)):
            yield Locked(match[1], re.split(r"-(?=[a-z])", match[2], maxsplit=1)[0], number, section, remote)
