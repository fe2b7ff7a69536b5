"""``--library-path DIR``: libraries that a build left elsewhere, laid where the image's loader looks by itself.

In go directories and a program; out come files for an overlay, at the first directory that is compiled into the program's
loader. They lie there for the loader alone: only what it really maps is packed, and the image knows nothing of DIR.
"""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING

from scratchpack.errors import UsageError
from scratchpack.loader.defaults import read_defaults
from scratchpack.needs.gather import landing
from scratchpack.record import NamedTuple
from scratchpack.sysroot.overlay import Laid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scratchpack.loader.model import Closure
    from scratchpack.pipeline.model import Program
    from scratchpack.sysroot.model import Sysroot


class Libraries(NamedTuple):
    """What the directories hold."""

    over: Mapping[str, Laid]  # path in the image -> the library
    hidden: frozenset[str]  # where they lie in the root itself: nothing is to be found there


NONE = Libraries({}, frozenset())


def libraries(directories: tuple[str, ...], program: Program, host: Sysroot, root: Sysroot) -> Libraries:
    """Every library of the directories, of one name the first. An absolute DIR is inside the root, a relative one on the host.

    Raises:
        UsageError: there is no such directory in the root.
    """
    place = _place(program, root)
    over: dict[str, Laid] = {}
    hidden: set[str] = set()
    for text in directories:
        where, path = (root, text) if text.startswith("/") else (host, os.path.abspath(text))
        directory = where.lookup(path)
        if directory is None or directory.kind != "directory":
            raise UsageError(
                f"cannot use --library-path {text}: there is no such directory in {where.name}",
                hint="with --root an absolute name is inside the root; a relative name is on the host",
            )
        for name in where.list(directory):
            node = where.lookup(posixpath.join(directory.canonical, name))
            if ".so" not in name or node is None or node.kind != "file" or node.canonical == program.node.canonical:
                continue
            if place is not None:
                over.setdefault(posixpath.join(place, name), Laid(where, node))
            if where is root:
                hidden.add(posixpath.join(directory.canonical, name))
    return Libraries(over, frozenset(hidden))


def _place(program: Program, root: Sysroot) -> str | None:
    """The loader's first directory, where it really lies in the root; ``None`` for a program without a loader."""
    node = root.lookup(program.facts.interpreter) if program.facts.interpreter else None
    if node is None or node.kind != "file":
        return None
    with root.open(node) as stream:
        directories = read_defaults(stream).directories
    return posixpath.dirname(landing(root, posixpath.join(directories[0], "x"), ())[1]) if directories else None


def not_taken(found: Libraries, closure: Closure) -> tuple[str, ...]:
    """A line for each library that the loader found elsewhere, although the directories hold one of its name."""
    names = {posixpath.basename(path) for path in found.over}
    return tuple(
        f"{resolution.soname} is taken from {resolution.path}, where the program's own search path leads, not from --library-path"
        for resolution in closure.resolved
        if posixpath.basename(resolution.path) in names and resolution.node.canonical not in found.over
    )
