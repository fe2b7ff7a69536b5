"""A script's text, read within bounds: a name in a root goes in, a :class:`Source` or a :class:`ScriptError` comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import InputError
from scratchpack.scripts.model import SourceText

if TYPE_CHECKING:
    from scratchpack.sysroot.model import Node, Sysroot

MAX_SIZE = 4 << 20  # bytes of one script; the longest of Debian's /usr/bin has 0.6 MB


class ScriptError(InputError):
    """A script that cannot be read for what it needs: too long, too deep, or not in the language it claims."""


def read(root: Sysroot, node: Node, limit: int = MAX_SIZE) -> SourceText:
    """The whole text of a file.

    Raises:
        ScriptError: it is longer than ``limit`` bytes.
        InputError: not a regular file, or unreadable.
    """
    if node.size > limit:
        raise ScriptError(
            f"cannot look into {node.canonical}: a script of {node.size} bytes is over the limit of {limit}",
            hint="what it needs must be named with --include",
        )
    with root.open(node) as stream:
        return SourceText(node.canonical, stream.read(limit))
