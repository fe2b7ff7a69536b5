"""``--exclude GLOB``: what the user leaves out, by path or by name. In go paths of the image; out comes whether they are left out."""

from __future__ import annotations

import fnmatch
import posixpath
from typing import TYPE_CHECKING

from scratchpack.errors import UsageError
from scratchpack.rootfs import Rootfs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Node


class Exclusion:
    """The globs of one run. Each is compared with the whole path in the image, one without a slash with each name.

    It is asked before anything is resolved, so that what is left out brings nothing, and of the planned files once more.
    """

    def __init__(self, globs: tuple[str, ...]) -> None:
        self._globs = globs
        self._used: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._globs)

    def holds(self, path: str) -> bool:
        """Whether this path of the image is left out."""
        hits = [glob for glob in self._globs if _matches(path, glob)]
        self._used.update(hits)
        return bool(hits)

    def hides(self, node: Node) -> bool:
        """Whether the loader is not to find this file: it, or a link that leads to it, is left out."""
        return self.holds(node.canonical) or any(self.holds(link.path) for link in node.links)

    def of(self, rootfs: Iterable[Entry], keep: tuple[str, ...] = ()) -> Rootfs:
        """What is left of planned files.

        Raises:
            UsageError: a path in ``keep``, a program's, would be left out.
        """
        left = []
        for entry in rootfs:
            if not self.holds(entry.path):
                left.append(entry)
            elif entry.path in keep:
                glob = next(glob for glob in self._globs if _matches(entry.path, glob))
                raise UsageError(f"cannot leave out {entry.path} (--exclude {glob}): it is the program itself")
        return Rootfs(left)

    def check(self) -> None:
        """Hold that every glob matched something.

        Raises:
            UsageError: one did not.
        """
        if idle := [glob for glob in self._globs if glob not in self._used]:
            raise UsageError(
                f"cannot leave out {', '.join(idle)}: nothing of the image matches",
                hint="a glob with a slash is compared with the whole path in the image, one without it with each name",
            )


def _matches(path: str, glob: str) -> bool:
    if "/" not in glob:
        return fnmatch.fnmatchcase(posixpath.basename(path), glob)
    return fnmatch.fnmatchcase(path, glob) or fnmatch.fnmatchcase(path, glob.rstrip("/") + "/*")
