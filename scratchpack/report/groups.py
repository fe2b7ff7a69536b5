"""What an image holds, in the rows that a person reads: its entries go in, one row a reason comes out, the largest first.

A program and a library have rows of their own. All that one need or one option brings is one row, however many files it
is: of six hundred time zones nobody reads the names. Links and directories on the way to something are in no row.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple
from scratchpack.report.text import because
from scratchpack.rootfs import Directory, File, Symlink, bytes_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.rootfs import Entry, Reason

LIBRARIES = 12  # rows of libraries that a person reads; the smaller ones become one row


class Group(NamedTuple):
    """One row; ``size`` is in bytes, and hard links count once."""

    size: int
    what: str  # a path, or what several files are there for
    why: str


def rows(entries: Iterable[Entry]) -> list[Group]:
    """The rows of one image: its programs as they were named, then everything else by size."""
    programs: list[Group] = []
    libraries: list[Group] = []
    together: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        if not entry.because or entry.because[0].kind in {"link", "parent"}:
            continue
        reason = entry.because[0]
        if reason.kind == "program":
            programs.append(Group(bytes_of([entry]), entry.path, "the program"))
        elif reason.kind in {"interp", "needed"}:
            libraries.append(Group(bytes_of([entry]), entry.path, _asked(reason)))
        else:
            together.setdefault((reason.kind, reason.by), []).append(entry)
    libraries.sort(key=lambda row: (-row.size, row.what))
    others = [_together(by, members) for (_, by), members in together.items()]
    if len(libraries) > LIBRARIES:
        rest = libraries[LIBRARIES - 1 :]
        del libraries[LIBRARIES - 1 :]
        others.append(Group(sum(row.size for row in rest), f"{len(rest)} smaller libraries", "needed by those above"))
    return programs + sorted(libraries + others, key=lambda row: (-row.size, row.what))


def every_row(entries: Iterable[Entry]) -> list[Group]:
    """A row an entry, by path, links and directories as well."""
    return [
        Group(
            entry.size if isinstance(entry, File) else 0,
            _name(entry),
            because(entry.because[0]) if entry.because else "",
        )
        for entry in entries
    ]


def _together(by: str, members: list[Entry]) -> Group:
    reason = members[0].because[0]
    if len(members) == 1:
        what = _name(members[0])
    else:
        files = sum(not isinstance(entry, Directory) for entry in members)
        top = posixpath.commonpath([entry.path for entry in members])
        counted = f"{files} file{'s' * (files != 1)}" if files else f"{len(members)} directories"
        what = counted if top == "/" else f"{counted} below {top}"
    return Group(bytes_of(members), what, by if reason.kind == "option" else f"{by}: {reason.detail}")


def _asked(reason: Reason) -> str:
    if reason.kind == "interp":
        return f"the loader that {posixpath.basename(reason.by)} names"
    return f"needed by {posixpath.basename(reason.by)}"


def _name(entry: Entry) -> str:
    if isinstance(entry, Directory):
        return entry.path
    return f"{entry.path} -> {entry.target}" if isinstance(entry, Symlink) else entry.path
