"""``--include SRC[:DST]``: what the user adds by name. In go the texts and two roots; out come entries of the image.

The entries are the user's own word: no need's gate is asked about them, and they lie over the root before anything is
resolved (:mod:`scratchpack.pipeline.included`).
"""

from __future__ import annotations

import fnmatch
import os
import posixpath
from typing import TYPE_CHECKING

from scratchpack.entries import sent_directory
from scratchpack.errors import UsageError
from scratchpack.needs.gather import landing
from scratchpack.record import NamedTuple
from scratchpack.rootfs import RANK_OPTION, RANK_ROOT, Reason, Symlink
from scratchpack.sysroot.overlay import Laid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scratchpack.pipeline.exclude import Exclusion
    from scratchpack.pipeline.gather import Gatherer
    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Node, Sysroot

BY_TRACE = "--trace"
MAX_FILES = 200_000
_MOUNTED = ("/dev", "/proc", "/sys")  # every engine mounts these over what the image has there
# Directories that a merged root has as links: what is sent below one lands where the link leads.
_LINKED = frozenset(f"/{name}" for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "var/run", "var/lock"))


class Included(NamedTuple):
    """One entry that was included, and where it comes from."""

    laid: Laid
    entry: Entry
    by_itself: bool  # named by the option, and not matched by a pattern or found in a directory


class Includes:
    """Walks what was asked for; an absolute SRC with ``--root`` is inside the root, a relative one on the host."""

    def __init__(self, gatherer: Gatherer, host: Sysroot, root: Sysroot, exclusion: Exclusion) -> None:
        self._gatherer = gatherer
        self._host = host
        self._root = root
        self._exclusion = exclusion
        self.found: dict[str, Included] = {}  # by path in the image
        self.entries: list[Entry] = []  # all of them, and the links on the way to what was named

    def walk(self, texts: tuple[str, ...]) -> None:
        """Collect every entry of every ``--include`` that ``--exclude`` leaves.

        Raises:
            UsageError: nothing is there, naming the places tried; a relative DST, or one that nobody would see.
        """
        for text in texts:
            # A name may hold a colon itself.
            source, destination = (text, None) if self._exists(text) else self._split(text)
            where = self._root if source.startswith("/") else self._host
            pattern = source if source.startswith("/") else os.path.abspath(source)
            matched = list(_expand(where, pattern))
            if not matched:
                raise UsageError(
                    f"cannot include {source}: nothing is there",
                    details=(f"looked for {pattern} in {where.name}",),
                    hint="with --root an absolute name is inside the root; a relative name is on the host",
                )
            several = len(matched) > 1 or any(letter in source for letter in "*?[")
            for path in matched:
                target = self._target(path, source, destination, several=several)
                if any(target == top or target.startswith(top + "/") for top in _MOUNTED):
                    raise UsageError(
                        f"cannot include {text}: an engine mounts its own files over {target}",
                        hint="choose another DST",
                    )
                self._named(where, path, target, Reason("option", f"--include {text}"), by_itself=path == pattern)

    def opened(self, traced: Iterable[tuple[str, str]]) -> None:
        """Collect what a trace showed and a plan lacked: a path of the root and why; of a directory, itself alone."""
        for path, why in traced:
            node = self._root.lookup(path)
            if node is None or node.kind not in {"file", "directory"} or self._exclusion.holds(node.canonical):
                continue
            reason = Reason("option", BY_TRACE, why)
            self.entries += self._gatherer.links(self._root, node, reason)
            if node.canonical in self.found or node.canonical == "/":
                continue
            entry = self._entry(self._root, node, node.canonical, reason)._replace(rank=RANK_ROOT)
            self.entries.append(entry)
            self.found[node.canonical] = Included(Laid(self._root, node), entry, by_itself=False)

    def _exists(self, name: str) -> bool:
        if name.startswith("/"):
            return self._root.lookup(name, follow=False) is not None
        return os.path.lexists(name)

    def _split(self, text: str) -> tuple[str, str | None]:
        source, colon, destination = text.rpartition(":")
        if not colon or not source or (not destination.startswith("/") and "/" in destination):
            return text, None
        if not destination.startswith("/"):
            raise UsageError(f"cannot include {text}: DST is an absolute path in the image")
        return source, destination

    @staticmethod
    def _target(path: str, source: str, destination: str | None, *, several: bool) -> str:
        if destination is None:
            return path if source.startswith("/") else "/" + posixpath.basename(path)
        if several or destination.endswith("/"):
            return posixpath.normpath(posixpath.join(destination, posixpath.basename(path)))
        return posixpath.normpath(destination)

    def _named(self, where: Sysroot, path: str, target: str, reason: Reason, *, by_itself: bool) -> None:
        node = where.lookup(path)
        if node is None:
            raise UsageError(f"cannot include {path}: it cannot be read, or is a dangling link")
        if target == path:
            links = self._gatherer.links(where, node, reason)
            self.entries += (entry._replace(rank=RANK_OPTION) for entry in links)
            target = node.canonical
        elif any(target == top or target.startswith(top + "/") for top in _LINKED):
            is_file = node.kind != "directory"
            steps, landed = landing(self._root, target if is_file else posixpath.join(target, "x"), (reason,))
            self.entries += steps
            target = landed if is_file else posixpath.dirname(landed)
        self._node(where, node, target, reason, by_itself=by_itself and node.kind != "directory")

    def _node(self, where: Sysroot, node: Node, target: str, reason: Reason, *, by_itself: bool = False) -> None:
        if len(self.found) > MAX_FILES:
            raise UsageError(f"cannot include so much: over {MAX_FILES} files", hint="name a smaller directory")
        left_out = self._exclusion.holds(target)
        if not left_out and target != "/":
            entry = self._entry(where, node, target, reason)
            self.entries.append(entry)
            self.found[target] = Included(Laid(where, node), entry, by_itself)
        if node.kind == "directory":
            for name in where.list(node):
                below = where.lookup(posixpath.join(node.canonical, name), follow=False)
                if below is not None:
                    self._node(where, below, posixpath.join(target, name), reason)

    def _entry(self, where: Sysroot, node: Node, target: str, reason: Reason) -> Entry:
        match node.kind:
            case "file":
                runs = bool(node.mode & 0o111)
                made = self._gatherer.file(where, node, reason, runs=runs, rank=RANK_OPTION)
                return made._replace(path=target)
            case "symlink":
                return Symlink(target, node.target or "", (reason,), RANK_OPTION)
            case "directory":
                return sent_directory(node, target, (reason,), keep=self._gatherer.keep)
            case other:
                raise UsageError(f"cannot include {node.canonical}: it is a {other}")


def _expand(root: Sysroot, pattern: str) -> Iterator[str]:
    """Glob one absolute pattern inside a root; a pattern that is a name of something is that name."""
    if root.lookup(pattern, follow=False) is not None:
        yield pattern
        return
    paths = ["/"]
    for part in pattern.strip("/").split("/"):
        if not any(letter in part for letter in "*?["):
            paths = [posixpath.join(path, part) for path in paths]
            continue
        grown = []
        for path in paths:
            node = root.lookup(path)
            if node is not None and node.kind == "directory":
                names = root.list(node)
                grown += [
                    posixpath.join(path, name)
                    for name in names
                    if fnmatch.fnmatchcase(name, part) and (part.startswith(".") or not name.startswith("."))
                ]
        paths = grown
    yield from (path for path in paths if root.lookup(path, follow=False) is not None)
