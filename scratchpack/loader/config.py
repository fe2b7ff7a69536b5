"""The text files that tell a loader where to look: ``ld.so.conf`` (R25), ``ld-musl-*.path`` (R19), ``ld.so.preload`` (R14)."""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.elf.budget import RUN, Budget
from scratchpack.errors import ConfinementError, InputError, LimitError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.sysroot.model import Node, Sysroot

MAX_TEXT = 1 << 20  # bytes of one configuration file (S23)


def read_text(root: Sysroot, path: str) -> tuple[Node, str] | None:
    """A small text file of a root, or ``None`` where it is not there.

    Raises:
        InputError: it is there, and is not a regular file.
        LimitError: it is larger than 1 MiB, and a loader would read it all the same.
    """
    node = root.lookup(path)
    if node is None:
        return None
    if node.kind != "file":
        raise InputError(f"cannot read {path} in {root.name}: it is a {node.kind}, not a regular file")
    if node.size > MAX_TEXT:
        raise LimitError(
            f"cannot read {path} in {root.name}: it has {node.size} bytes, {MAX_TEXT} are the limit",
            hint="a file of this kind is a few lines long: look at what wrote it",
        )
    with root.open(node) as stream:
        return node, os.fsdecode(stream.read(MAX_TEXT + 1))


def conf_directories(root: Sysroot, path: str = "/etc/ld.so.conf") -> tuple[str, ...]:
    """The directories that ``ldconfig`` would scan, in order, each directory once by its inode.

    The loader never reads this file (R25): it serves to write a cache anew. Includes of itself and endless chains
    are bounded (S23).

    Raises:
        LimitError: the files, patterns and directories are more than any system has.
    """
    return _Conf(root, Budget(path, RUN)).read(path)


class _Conf:
    def __init__(self, root: Sysroot, budget: Budget) -> None:
        self._root = root
        self._budget = budget
        self._seen: set[tuple[int, int, int]] = set()
        self._inodes: dict[tuple[int, int, int] | str, str] = {}

    def read(self, path: str) -> tuple[str, ...]:
        """Each include where it stands; a stack and no recursion, since files may include each other hundreds deep."""
        pending = [iter([path])]
        while pending:
            name = next(pending[-1], None)
            if name is None:
                pending.pop()
            else:
                pending.append(self._file(name))
        return tuple(self._inodes.values())

    def _file(self, path: str) -> Iterator[str]:
        """The files that one file includes, as they come; its directories are taken on the way."""
        self._budget.look_up()
        try:
            found = read_text(self._root, path)
        except (InputError, ConfinementError):
            return  # ldconfig warns and goes on
        if found is None or found[0].inode in self._seen:
            return
        self._seen.add(found[0].inode)
        self._budget.keep(found[0].size)
        for raw in found[1].split("\n"):
            self._budget.step()
            line = raw.partition("#")[0].strip(" \t\r\f\v")
            if include := re.match(r"include[ \t]+(.*)", line):
                for pattern in include[1].split():
                    yield from self._glob(posixpath.join(posixpath.dirname(path), pattern))
            elif line and not re.match(r"hwcap[ \t]", line):
                self._directory(line.partition("=")[0].rstrip(" \t"))

    def _directory(self, path: str) -> None:
        path = path.rstrip("/") or "/"
        if not path.startswith("/"):
            return
        self._budget.look_up()
        try:
            node = self._root.lookup(path)
        except ConfinementError:
            return
        if node is not None and node.kind == "directory":
            self._inodes.setdefault(node.inode, path)

    def _glob(self, pattern: str) -> tuple[str, ...]:
        found = ["/"]
        for part in [part for part in pattern.split("/") if part]:
            if not re.search(r"[*?\[]", part):
                found = [posixpath.join(directory, part) for directory in found]
                continue
            matched: list[str] = []
            for directory in found:
                names = fnmatch.filter(self._list(directory), part)
                matched += [posixpath.join(directory, n) for n in names if not n.startswith(".") or part[0] == "."]
                self._budget.step(1 + len(names))
            found = matched
        return tuple(sorted(found, key=os.fsencode))

    def _list(self, directory: str) -> tuple[str, ...]:
        self._budget.look_up()
        try:
            node = self._root.lookup(directory)
            return self._root.list(node) if node is not None and node.kind == "directory" else ()
        except InputError:
            return ()


def musl_path_file(interpreter: str, machine_suffix: str) -> str:
    """Where musl looks for its path file: beside the interpreter's parent directory, as PT_INTERP spells it (R19)."""
    parts = interpreter.split("/")
    prefix = "/".join(parts[:-2]) if interpreter.startswith("/") else ""
    return f"{prefix}/etc/ld-musl-{machine_suffix}.path"


def preload_names(text: str) -> tuple[str, ...]:
    """The names in ``/etc/ld.so.preload``: white space and colons separate, ``#`` starts a comment (R14)."""
    lines = (line.partition("#")[0] for line in text.split("\n"))
    return tuple(name for line in lines for name in re.split(r"[ \t:\r]+", line) if name)
