"""Which files of a root a trace touched: the records and a root in, canonical paths out.

A trace holds the paths as the program wrote them. Two things it cannot hold, because the kernel itself opens them: the
loader of a program that is executed, and the interpreter that a script's first line names.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.elf.reader import read_elf
from scratchpack.errors import ScratchpackError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.sandbox.trace import Trace
    from scratchpack.sysroot.model import Node, Sysroot

TOUCHING = ("opened", "written", "mapped", "executed", "stat", "listed")
# What every engine, or the kernel, puts there: none of it is a file of an image.
MOUNTED = ("/proc", "/sys", "/dev")
ENGINES = frozenset(("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab"))
_CHAIN = 4  # interpreters of interpreters, as the kernel bounds them


def touched(trace: Trace, root: Sysroot) -> dict[str, Node]:
    """By the path that was asked for, what stands there in ``root``: of the records, and of what the kernel opened for them."""
    found: dict[str, Node] = {}
    for path in sorted(trace.paths(*TOUCHING)):
        if (node := _lookup(root, path)) is not None:
            found[path] = node
    for path in sorted(trace.paths("executed")):
        if path in found:
            found.update(_started(root, found[path]))
    return found


def is_ours(path: str) -> bool:
    """Whether a path is the kernel's or an engine's, whatever the image has there."""
    return path in ENGINES or any(path == top or path.startswith(top + "/") for top in MOUNTED)


def _lookup(root: Sysroot, path: str) -> Node | None:
    if is_ours(path):
        return None
    try:
        return root.lookup(path)
    except ScratchpackError:  # links in a circle
        return None


def _started(root: Sysroot, node: Node) -> Iterator[tuple[str, Node]]:
    for _ in range(_CHAIN):
        path = _interpreter(root, node)
        found = _lookup(root, path) if path else None
        if path is None or found is None:
            return
        yield path, found
        node = found


def _interpreter(root: Sysroot, node: Node) -> str | None:
    if node.kind != "file":
        return None
    try:
        with root.open(node) as stream:
            head = stream.read(256)
            if head[:2] == b"#!":
                words = head[2:].split(b"\n")[0].split()
                return posixpath.normpath(words[0].decode("utf-8", "surrogateescape")) if words else None
            return read_elf(stream, origin=node.canonical).interpreter if head[:4] == b"\x7fELF" else None
    except ScratchpackError:
        return None
