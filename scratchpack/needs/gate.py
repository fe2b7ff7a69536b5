"""The one gate between a need and a root: which of its files a need may read, and so take into the image.

In goes a root; out comes the same root with everything hidden that no string of a program may ask for. A string says
what is looked for and nothing else: what may be taken is what a package of the root owns, what lies at a standard
place, or what belongs to the program's own tree (``owntree``). A path is judged where it ends, after every link and
``..``, so a string cannot spell its way around. What others may not read, and what lies in a home directory or below
/proc, /sys, /dev or /run, is never taken but with ``--include``.

What was asked for and is there but may not be taken is kept in ``withheld``, for the report.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, BinaryIO, cast

from scratchpack.entries import BYTES_ALONE
from scratchpack.needs import places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scratchpack.entries import Keep
    from scratchpack.loader.model import Resolution
    from scratchpack.packages.model import Packages
    from scratchpack.sysroot.model import Node, Sysroot

GIVEN = f"{__name__}:given"  # in a root's ``kept``: paths of what the user laid over it, which is the user's own word
_READ, _ENTER = 0o004, 0o001  # what others may do
_NAMES = 4  # that a line of the report gives


class Gate:
    """A root as needs see it; implements :class:`scratchpack.sysroot.model.Sysroot`.

    Args:
        root: the root behind the gate.
        programs: paths in ``root`` of the program that is examined (as found, and without links); empty where the
            program lies on another root, which has no tree of its own here.
        keep: what of a file that is taken travels beyond its bytes.
        trees: directories that count as the program's own whatever their own mode, known by structure or named by the user.
        ran: a run opened what is asked for, and no string: then nobody needs to own it.
    """

    def __init__(
        self,
        root: Sysroot,
        programs: tuple[str, ...] = (),
        keep: Keep = BYTES_ALONE,
        trees: tuple[str, ...] = (),
        *,
        ran: bool = False,
    ) -> None:
        self.behind = root
        self._ran = ran
        self.keep = keep
        self._programs = programs
        self._given = cast("frozenset[str]", root.kept.get(GIVEN, frozenset()))
        self._trees = trees
        self._own: tuple[str, ...] | None = None
        self._homes: frozenset[str] | None = None
        self._entered: dict[str, bool] = {"/": True, "": True, **dict.fromkeys(trees, True)}
        self._judged: dict[str, str] = {}
        self.withheld: dict[str, str] = {}  # canonical path -> why it may not be taken
        self.dropped: dict[str, str] = {}  # canonical path -> what of its privileges stays behind (S15)

    @property
    def name(self) -> str:
        """What messages call the root."""
        return self.behind.name

    @property
    def kept(self) -> dict[str, object]:
        """What others keep with the root behind the gate."""
        return self.behind.kept

    def lookup(self, path: str, *, cwd: str = "/", follow: bool = True) -> Node | None:
        """Find a name; ``None`` also for what may not be taken, which ``withheld`` then says."""
        node = self.behind.lookup(path, cwd=cwd, follow=follow)
        if node is None:
            return None
        why = self._why_not(node)
        if not why or (node.kind == "directory" and self._leads_on(node.canonical)):
            return node
        self.withheld[node.canonical] = why
        return None

    def open(self, node: Node) -> BinaryIO:
        """Open a file that :meth:`lookup` gave.

        Raises:
            InputError: it may not be taken.
        """
        from scratchpack.errors import InputError

        if why := self._why_not(node):
            raise InputError(f"cannot take {node.canonical} of {self.name}: {why}")
        return self.behind.open(node)

    def list(self, node: Node) -> tuple[str, ...]:
        """Names in a directory; none in one that every package fills, or that only leads to what may be taken."""
        if node.canonical in places.SHARED or self._why_not(node):
            return ()
        return self.behind.list(node)

    def xattrs(self, node: Node) -> Mapping[str, bytes]:
        """Extended attributes, as the root has them."""
        return self.behind.xattrs(node)

    def _why_not(self, node: Node) -> str:
        """Why this node may not be taken, judged where it lies and at every link that led to it; "" when it may."""
        passed = (self._judge(link.path) for link in node.links)
        return next((why for why in passed if why in {places.PRIVATE, places.MACHINES}), "") or self._judge(
            node.canonical, node
        )

    def _judge(self, path: str, node: Node | None = None) -> str:
        """The verdict on one canonical path; a link's own is asked for without ``node``: its mode says nothing."""
        if path in self._given:
            return ""
        known = self._judged.get(path)
        if known is None:
            known = self._judged[path] = self._place(path)
        if known or node is None:
            return known
        tree = next((top for top in self._own_trees() if places.within(path, top)), "") if self._own else ""
        if path in self._trees:
            return ""
        wanted = _READ | _ENTER if node.kind == "directory" else _READ
        if node.mode & wanted != wanted or not self._others_enter(posixpath.dirname(path), tree):
            return "others may not read it"
        return ""

    def _place(self, path: str) -> str:
        """Whether this place is one that may be taken from, whatever the modes; "" when it is."""
        if places.is_secret(path):
            return "it holds secrets"
        if places.is_running(path):
            return places.PRIVATE
        if places.is_machines(path):
            return places.MACHINES
        private = places.is_private(path) or any(places.within(path, home) for home in self._home_directories())
        if not private and (places.is_standard(path) or self._is_owned(path)):
            return ""
        if any(places.within(path, top) and not places.is_hidden(path, top) for top in self._own_trees()):
            return ""
        return places.PRIVATE if private else "" if self._ran else "no package owns it"

    def _is_owned(self, path: str) -> bool:
        database = packages(self)
        if database is None:
            return places.is_system(path)
        return database.lists(path)

    def _leads_on(self, path: str) -> bool:
        """Whether a directory lies above something that may be taken: it is passed through, and lists nothing."""
        return places.leads_to_standard(path) or any(places.within(top, path) for top in self._own_trees())

    def _others_enter(self, directory: str, top: str) -> bool:
        """Whether others may pass every directory from here up to ``top`` (of an own tree) or the root's top."""
        if directory in self._entered:
            return self._entered[directory]
        if top and (directory == top or not places.within(directory, top)):
            return True  # who packs may enter the tree; what others may not read in it is still kept from them
        node = self.behind.lookup(directory)
        fine = node is not None and bool(node.mode & _ENTER) and self._others_enter(posixpath.dirname(directory), top)
        self._entered[directory] = fine
        return fine

    def _own_trees(self) -> tuple[str, ...]:
        if self._own is None:
            from scratchpack.needs.owntree import own_trees

            self._own = (*own_trees(self.behind, self._programs, self._home_directories()), *self._trees)
        return self._own

    def _home_directories(self) -> frozenset[str]:
        if self._homes is None:
            from scratchpack.needs.owntree import home_directories

            self._homes = home_directories(self.behind)
        return self._homes


def gate_of(root: Sysroot, program: Resolution, keep: Keep = BYTES_ALONE) -> Gate:
    """The gate for one program's needs, kept with the root so that it judges a path once."""
    if isinstance(root, Gate):
        return root
    paths = tuple(dict.fromkeys((program.path, program.node.canonical))) if program.root is root else ()
    name = f"{__name__}:{':'.join(paths)}:{keep.modes}:{keep.privileges}"
    return cast("Gate", root.kept.setdefault(name, Gate(root, paths, keep)))


def packages(root: Sysroot) -> Packages | None:
    """The package database of a root, read from behind the gate: it is asked, and never taken."""
    from scratchpack.packages import open_database

    return open_database(root.behind if isinstance(root, Gate) else root)


def withheld_line(withheld: Mapping[str, str]) -> str:
    """One line of the report about what was asked for and not taken; "" for nothing."""
    if not withheld:
        return ""
    shown = [f"{path} ({why})" for path, why in sorted(withheld.items())[:_NAMES]]
    more = f" and {len(withheld) - _NAMES} more" if len(withheld) > _NAMES else ""
    return f"not taken: {', '.join(shown)}{more}; what the program does need of it, add with --include"
