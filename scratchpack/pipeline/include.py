"""``--include SRC[:DST]`` and ``--exclude GLOB``: what the user adds and leaves out, by name."""

from __future__ import annotations

import fnmatch
import os
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from scratchpack.elf.reader import read_elf
from scratchpack.errors import InputError, UsageError
from scratchpack.rootfs import RANK_OPTION, Directory, Reason, Rootfs, Symlink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.pipeline.gather import Gatherer
    from scratchpack.pipeline.loading import Loading
    from scratchpack.pipeline.place import Moves
    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Node, Sysroot

MAX_FILES = 200_000


def include(texts: tuple[str, ...], gatherer: Gatherer, loading: Loading, host: Sysroot) -> tuple[list[Entry], Moves]:
    """The entries of every ``--include``; ELF files among them join the loading, and so bring their libraries.

    A program gets a namespace of its own; a shared object is opened in the first program's (R20), and one that is
    sent elsewhere moves: the moves that come back say so.

    Raises:
        UsageError: as :meth:`Includes.entries`.
    """
    includes = Includes(gatherer, host, loading.root)
    entries = list(includes.entries(texts))
    main = loading.programs[0]
    moved: dict[str, str] = {}
    for file in includes.files:
        with file.root.open(file.node) as stream:
            if stream.read(4) != b"\x7fELF":
                continue
            try:
                facts = read_elf(stream, origin=file.node.canonical)
            except InputError:
                continue  # data that happens to be ELF: an object file, a core
        if facts.machine != main.facts.machine:
            continue
        if facts.interpreter is not None and facts.soname is None:
            loading.add(file.root, file.node.canonical, facts, placed=file.path)
        elif facts.needed and file.root is loading.root:
            path = file.node.canonical
            if file.path != path:
                if path in moved or any(r.node.canonical == path for r in loading.closure.resolved):
                    continue  # it is opened already, where the loader itself wants it
                moved[path] = file.path
            loading.open(0, path, main.path)
        elif facts.needed and main.facts.interpreter is not None:
            raise UsageError(
                f"cannot include {file.node.canonical} of the host in an image of {loading.root.name}: it needs "
                f"{', '.join(facts.needed)}, and a library's own libraries are looked for beside it",
                hint="copy it into the root, and include it by its absolute path there",
            )
    return entries, gatherer.moves._replace(table={**gatherer.moves.table, **moved})


class Included(NamedTuple):
    """One regular file that was included, so that the caller can see whether it is ELF."""

    root: Sysroot
    node: Node
    path: str  # in the image


class Includes:
    """Walks what was asked for; an absolute SRC with ``--root`` is inside the root, a relative one on the host."""

    def __init__(self, gatherer: Gatherer, host: Sysroot, root: Sysroot) -> None:
        self._gatherer = gatherer
        self._host = host
        self._root = root
        self.files: list[Included] = []

    def entries(self, texts: tuple[str, ...]) -> Iterator[Entry]:
        """Every entry of every ``--include``.

        Raises:
            UsageError: nothing is there, naming the places tried; a relative DST.
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
                yield from self._walk(where, path, target, Reason("option", f"--include {text}"))

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
            return posixpath.join(destination, posixpath.basename(path))
        return posixpath.normpath(destination)

    def _walk(self, where: Sysroot, path: str, target: str, reason: Reason) -> Iterator[Entry]:
        node = where.lookup(path)
        if node is None:
            raise UsageError(f"cannot include {path}: it cannot be read, or is a dangling link")
        if target == path:
            for entry in self._gatherer.links(where, node, reason):
                yield entry._replace(rank=RANK_OPTION)
            target = node.canonical
        yield from self._node(where, node, target, reason)

    def _node(self, where: Sysroot, node: Node, target: str, reason: Reason) -> Iterator[Entry]:
        if len(self.files) > MAX_FILES:
            raise UsageError(f"cannot include so much: over {MAX_FILES} files", hint="name a smaller directory")
        match node.kind:
            case "file":
                runs = bool(node.mode & 0o111)
                made = self._gatherer.file(where, node, reason, runs=runs, rank=RANK_OPTION)
                self.files.append(Included(where, node, target))
                yield made._replace(path=target)
            case "symlink":
                yield Symlink(target, node.target or "", (reason,), RANK_OPTION)
            case "directory":
                if target != "/":
                    yield Directory(target, because=(reason,), rank=RANK_OPTION)
                for name in where.list(node):
                    below = where.lookup(posixpath.join(node.canonical, name), follow=False)
                    if below is not None:
                        yield from self._node(where, below, posixpath.join(target, name), reason)
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


def with_workdir(rootfs: Rootfs, path: str) -> Rootfs:
    """``--workdir`` as a directory of the image, so that every output has it.

    An engine would make it at each start, and a builder's ``WORKDIR`` while it builds, with a mode of their own (I17). What stands
    there or above it already stays as it is.
    """
    parts = path.split("/")
    above = ["/".join(parts[:count]) for count in range(2, len(parts) + 1)]
    bare = not path.startswith("/") or posixpath.normpath(path) != path or path == "/"
    if bare or path in rootfs or not all(isinstance(rootfs.get(name), Directory | None) for name in above):
        return rootfs
    mode = 0o1777 if path in {"/tmp", "/var/tmp"} else 0o755  # noqa: S108 - paths of the image
    reason = Reason("option", f"--workdir {path}")
    return rootfs.merge([Directory(path, mode, because=(reason,), rank=RANK_OPTION)])


def exclude(
    rootfs: Rootfs, globs: tuple[str, ...], keep: tuple[str, ...], *, must_match: bool = True
) -> tuple[Rootfs, tuple[str, ...]]:
    """Leave out what matches a glob (against the whole path, or the name where the glob has no slash).

    Returns what is left, and the paths that went.

    Raises:
        UsageError: a program itself would be left out, or a glob matches nothing although it must.
    """
    if not globs:
        return rootfs, ()
    left, gone, used = [], [], set()
    for entry in rootfs:
        hits = [glob for glob in globs if _matches(entry.path, glob)]
        if not hits:
            left.append(entry)
            continue
        used.update(hits)
        if entry.path in keep:
            raise UsageError(f"cannot leave out {entry.path} (--exclude {hits[0]}): it is the program itself")
        gone.append(entry.path)
    if must_match and (idle := [glob for glob in globs if glob not in used]):
        raise UsageError(
            f"cannot leave out {', '.join(idle)}: nothing of the image matches",
            hint="a glob with a slash is compared with the whole path in the image, one without it with each name",
        )
    return Rootfs(left), tuple(gone)


def _matches(path: str, glob: str) -> bool:
    if "/" not in glob:
        return fnmatch.fnmatchcase(posixpath.basename(path), glob)
    return fnmatch.fnmatchcase(path, glob) or fnmatch.fnmatchcase(path, glob.rstrip("/") + "/*")
