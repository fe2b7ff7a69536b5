"""Which files of a packed tree a run opens: the tree and the command's words go in, the files and their bytes come out.

strace watches; what the kernel opens by itself (the loader and the interpreter of what is started) is added. A file counts
once whatever its names, and links and directories have no bytes.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from scratchpack.elf.reader import read_elf
from scratchpack.errors import InputError
from scratchpack.sandbox import strace
from scratchpack.sysroot.dirroot import DirRoot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Use(NamedTuple):
    """What of a tree was opened, in bytes."""

    packed: int
    unopened: tuple[tuple[int, str], ...]  # size and path of each file that nobody opened, largest first

    def merged(self, other: Use) -> Use:
        """The same program in another run: what either of them opens is opened."""
        sizes = {path: size for size, path in (*self.unopened, *other.unopened)}
        mine, others = ({path for _, path in use.unopened} for use in (self, other))
        left = sorted(((sizes[path], path) for path in mine & others), reverse=True)
        return Use(max(self.packed, other.packed), tuple(left))

    @property
    def bytes_unopened(self) -> int:
        """All that nobody opened."""
        return sum(size for size, _ in self.unopened)


def traced(words: list[str], output: Path) -> list[str]:
    """A command of bubblewrap's with strace before it, which adds to ``output``."""
    strace_itself, *options = strace.words(str(output), every=False)
    return [strace_itself, "--output-append-mode", *options, *words]


def use(root: Path, files: Mapping[int, tuple[int, str]], output: Path, *, outside: str) -> Use:
    """Judge a tree by what strace wrote. ``files`` were there before; what ``outside``, the program that built the sandbox, opened does not count."""
    with output.open(errors="surrogateescape") as lines:
        trace = strace.read(lines)
    named = {
        record.path
        for record in trace.records
        if (record.by != outside and record.kind in {"opened", "mapped"}) or record.kind == "executed"
    }
    with contextlib.closing(DirRoot(str(root))) as tree:
        opened: set[str] = set()
        waiting = sorted(named)
        while waiting:
            node = tree.lookup(waiting.pop())
            if node is None or node.kind != "file" or node.canonical in opened:
                continue
            opened.add(node.canonical)
            with tree.open(node) as stream:
                waiting += _by_the_kernel(stream, node.canonical)
    inodes = {os.lstat(f"{root}{path}").st_ino for path in opened}
    left = sorted((found for inode, found in files.items() if inode not in inodes), reverse=True)
    return Use(sum(size for size, _ in files.values()), tuple(left))


def files_of(root: Path) -> dict[int, tuple[int, str]]:
    """Size and path of each regular file, by its inode."""
    return {status.st_ino: (status.st_size, path) for path, status in _files(root)}


def _by_the_kernel(stream: BinaryIO, origin: str) -> list[str]:
    """What the kernel opens where this file is started; a library's own loader is asked for by nobody, and travels anyway."""
    head = stream.read(4096)
    if head.startswith(b"#!"):
        return [os.fsdecode(head[2:].split(b"\n")[0].split()[0])]
    if not head.startswith(b"\x7fELF"):
        return []
    try:
        interpreter = read_elf(stream, origin=origin).interpreter
    except InputError:
        return []
    return [interpreter] if interpreter else []


def _files(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    for directory, _, names in os.walk(root):
        for name in names:
            status = os.lstat(os.path.join(directory, name))
            if stat.S_ISREG(status.st_mode):
                yield "/" + os.path.relpath(os.path.join(directory, name), root), status
