"""Walking a path inside a root, one component at a time, as the kernel does it in a chroot (S8). Pure: asks a function."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple
from scratchpack.sysroot.model import MAX_LINKS, Link

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PATH = 4096  # bytes, the closing NUL among them


class Reached(NamedTuple):
    """Where a walk ended. ``kind`` is "directory", "symlink" (not followed) or "other"."""

    canonical: str
    links: tuple[Link, ...]
    kind: str


ROOT = Reached("/", (), "directory")


class LinkLoopError(OSError):
    """More than 40 symbolic links on one way (ELOOP)."""


def is_path(text: str) -> bool:
    """Whether a file can have this name for the kernel: not empty, no NUL, below PATH_MAX, and bytes to every character (S11).

    Half a surrogate pair out of somebody's JSON or script stands for no byte, so no file is called that.
    """
    try:
        return bool(text) and "\0" not in text and len(os.fsencode(text)) < MAX_PATH
    except UnicodeEncodeError:
        return False


def walk(
    path: str, entry: Callable[[str, str], str | bool | None], *, follow: bool, start: Reached = ROOT
) -> Reached | None:
    """Walk ``path`` from ``start``, whose links count too.

    Args:
        path: absolute or relative; ``..`` of the root is the root.
        entry: for a canonical directory and a name in it: a symbolic link's target (``str``), ``True`` for a
            directory, ``False`` for anything else that is there, ``None`` for nothing.
        follow: whether a symbolic link at the very end is followed.
        start: where a relative path begins.

    Returns:
        ``None`` where a component is missing or is not a directory.

    Raises:
        LinkLoopError: too many links.
    """
    if not path or "\0" in path:
        return None
    pending = path.split("/")[::-1]
    at = "/" if path[0] == "/" else start.canonical
    links = list(start.links)
    while pending:
        name = pending.pop()
        if name in ("", "."):
            continue
        if name == "..":
            at = at.rpartition("/")[0] or "/"
            continue
        what = entry(at, name)
        if what is None:
            return None
        here = f"{at}/{name}" if at != "/" else f"/{name}"
        if what is True:
            at = here
        elif what is False:
            return None if pending else Reached(here, tuple(links), "other")
        elif not pending and not follow:
            return Reached(here, tuple(links), "symlink")
        else:
            links.append(Link(here, what))
            if len(links) > MAX_LINKS:
                raise LinkLoopError(errno.ELOOP, f"more than {MAX_LINKS} symbolic links", path)
            if what.startswith("/"):
                at = "/"
            pending += what.split("/")[::-1]
    return Reached(at, tuple(links), "directory")
