"""Where an interpreter looks for its modules: its binaries go in, the directories of the root that their strings name come out (S1: it is not asked, for that would run it)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re

    from scratchpack.sysroot.model import Node, Sysroot

MAX_BINARY = 64 << 20  # bytes of an interpreter, or of its library


def directories_named(root: Sysroot, binaries: tuple[Node, ...], pattern: re.Pattern[bytes]) -> tuple[str, ...]:
    """What the first group of ``pattern`` finds in the binaries and is a directory of the root, in order, each once."""
    found: dict[str, None] = {}
    for binary in binaries:
        if binary.size > MAX_BINARY:
            continue
        with root.open(binary) as stream:
            data = stream.read(MAX_BINARY)
        for match in pattern.finditer(data):
            path = match[1].decode("ascii")
            node = root.lookup(path)
            if node is not None and node.kind == "directory":
                found.setdefault(path)
    return tuple(found)
