"""How a script's files are taken from the root: paths go in; entries that the needs' gate allows come out, libraries as objects that the interpreter opens."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs import places
from scratchpack.needs.companion.base import parted
from scratchpack.needs.gate import Gate, withheld_line
from scratchpack.needs.gather import copied, tree
from scratchpack.needs.owntree import home_directories
from scratchpack.pattern import pattern
from scratchpack.pipeline.place import is_system
from scratchpack.pipeline.scripting.model import because
from scratchpack.rootfs import Directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scratchpack.needs.base import Contribution
    from scratchpack.pipeline.scripting.model import Script
    from scratchpack.rootfs import Entry

CACHES = pattern(
    r"/(?:__pycache__|\.git|\.hg|\.svn|\.cache|\.mypy_cache|\.pytest_cache|\.tox|\.venv)(?:/|\Z)|\.py[co]\Z"
)


_BINARIES = frozenset({"bin", "sbin", "libexec", "scripts"})  # of a prefix, and
_OF_PREFIX = (
    "lib",
    "lib64",
    "libexec",
    "share",
    "etc",
)  # what lies beside them there: no more of the directory above is the script's


class Taken:
    """Entries of one script's need, collected. ``trees`` are directories that structure proves to be the script's own or its interpreter's."""

    def __init__(self, script: Script, need: str, trees: Iterable[str] = ()) -> None:
        self._script, self._need = script, need
        own = [posixpath.dirname(script.path)] if script.is_here else []
        above = [posixpath.dirname(top) for top in own if posixpath.basename(top) in _BINARIES]
        own += [posixpath.join(top, name) for top in above if not places.is_shared(top) for name in _OF_PREFIX]
        homes = home_directories(script.root)
        own = [top for top in (*trees, *own) if not (places.is_home(top) or places.is_shared(top) or top in homes)]
        self.gate = Gate(script.root, script.paths(), script.options.keep, tuple(dict.fromkeys(own)))
        self._entries: dict[Entry, None] = {}

    def file(self, path: str, why: str) -> bool:
        """One file with the links that lead to it; whether it could be taken."""
        found = copied(self.gate, path, because(self._need, why))
        self._entries.update(dict.fromkeys(found))
        return bool(found)

    def tree(self, path: str, why: str, keep: Callable[[str], bool] | None = None, *, whole: bool = False) -> bool:
        """A directory with what is below it, without caches; whether any of it could be taken.

        With ``whole`` what ``keep`` says of a directory holds for all below it.
        """

        def wanted(name: str) -> bool:
            return not CACHES.search(name[len(path) :]) and (keep is None or keep(name))

        found = tree(
            self.gate,
            path,
            because(self._need, why),
            wanted,
            enter=wanted if whole else lambda name: not CACHES.search(name[len(path) :]),
        )
        # Directories are made for what lies in them; as entries they would keep the script from moving out of the one above.
        self._entries.update((entry, None) for entry in found if not isinstance(entry, Directory))
        return bool(found)

    def either(self, path: str, why: str) -> bool:
        """A file, or a directory whole."""
        node = self.gate.lookup(path)
        return node is not None and (self.tree(path, why) if node.kind == "directory" else self.file(path, why))

    def contribution(self, notes: Iterable[str] = (), *, programs: bool = True) -> Contribution:
        """What was taken; what the gate withheld is one of the notes."""
        found = parted(self._entries, self._script.interpreter.path, programs=programs)
        withheld = (f"{self._need}: {withheld_line(self.gate.withheld)}",) if self.gate.withheld else ()
        return found._replace(notes=tuple(dict.fromkeys((*notes, *found.notes, *withheld))))

    def moving(self, *fixed: str) -> tuple[str, ...]:
        """The paths that keep their place relative to the script: all but the system's and those below ``fixed``.

        A script that another one runs keeps its own path, and so does what lies beside it.
        """
        if self._script.program.asked_by:
            return ()
        return tuple(
            entry.path
            for entry in self._entries
            if not is_system(entry.path) and not any(places.within(entry.path, top) for top in fixed)
        )
