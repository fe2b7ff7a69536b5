"""The text files that tell a loader where to look: ``ld-musl-*.path`` (R19) and ``ld.so.preload`` (R14)."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from scratchpack.errors import InputError, LimitError

if TYPE_CHECKING:
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


def musl_path_file(interpreter: str, machine_suffix: str) -> str:
    """Where musl looks for its path file: beside the interpreter's parent directory, as PT_INTERP spells it (R19)."""
    parts = interpreter.split("/")
    prefix = "/".join(parts[:-2]) if interpreter.startswith("/") else ""
    return f"{prefix}/etc/ld-musl-{machine_suffix}.path"


def preload_names(text: str) -> tuple[str, ...]:
    """The names in ``/etc/ld.so.preload``: white space and colons separate, ``#`` starts a comment (R14)."""
    lines = (line.partition("#")[0] for line in text.split("\n"))
    return tuple(name for line in lines for name in re.split(r"[ \t:\r]+", line) if name)
