"""What needs of programs that hold a search path themselves share: a mark of their own, and their packages."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs.base import A, Contribution, Evidence
from scratchpack.needs.companion.base import Companion, joined, owned, parted
from scratchpack.needs.companion.kinds import unopened
from scratchpack.needs.gate import packages
from scratchpack.needs.gather import reasons, tree, without_empty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.rootfs import Reason
    from scratchpack.sysroot.model import Sysroot


class Interpreter(Companion):
    """The mark is a string that nobody but this interpreter has reason to hold; embedders call its library instead."""

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """The mark among the program's own strings, and calls of the library."""
        own = tuple(
            Evidence(self.name, A, f"string {mark}", subject.program.path)
            for mark in self.wants.fragments
            if any(run.startswith(mark) for run in subject.strings(mark))
        )
        return (*own, *super().detect(subject))

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The interpreter's own directories, cut down to what its source package installed where that is known."""
        because = reasons(self.name, evidence)
        by_holder: dict[str, list[str]] = {}
        for seen, path in self.places(subject):
            by_holder.setdefault(seen.resolution.node.canonical, []).append(path)
        return joined(
            of_source(root, holder, places, because, subject.program.path) for holder, places in by_holder.items()
        )


def of_source(
    root: Sysroot,
    holder: str,
    places: Iterable[str],
    because: tuple[Reason, ...],
    requester: str,
    keep: Callable[[str], bool] | None = None,
    *,
    leave: Callable[[str, tuple[str, ...]], str] = unopened,
) -> Contribution:
    """What the source package of ``holder`` put into these places; all of them on a root that no package tool keeps."""
    database = packages(root)
    owner = database.owner(holder) if database is not None else None
    if database is None or owner is None:
        trees = ((place, tree(root, place, because, keep)) for place in places)
        return joined(parted(entries, requester, (place,), leave=leave) for place, entries in trees)
    places = tuple(places)
    entries = tuple(owned(root, database, owner.source, places, because))
    if keep is not None:
        entries = without_empty(entry for entry in entries if keep(entry.path))
    return parted(entries, requester, places, leave=leave)


def beside(program: str, relative: str) -> str:
    """A path written relative to the program's own directory."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(program), relative))


def named_beside(program: str, runs: Iterable[str], fragment: str) -> Iterator[str]:
    """Where strings lead that name a place from above the program's directory: ``../lib/sbcl``, ``share/git-core``.

    A string that climbs again after the fragment asks for something else and leads nowhere.
    """
    for run in runs:
        relative = run.removeprefix("../")
        if relative[:1] != "/" and ".." not in relative.split("/"):
            path = beside(program, f"../{relative}")
            yield from (path,) if fragment in path else ()
