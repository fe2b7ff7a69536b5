"""Directories of the image that its user may write: ``--workdir``, ``--volume``, ``--directory``, and /tmp (I21, N50).

In go planned files and what was asked for; out come the files with those directories. An engine that makes one itself gives
it to root, and a fresh volume takes its owner and mode from the image.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack import foreign
from scratchpack.errors import UsageError
from scratchpack.rootfs import RANK_OPTION, Directory, File, Reason, Rootfs, Symlink
from scratchpack.verification.planned import PlannedRoot

if TYPE_CHECKING:
    from scratchpack.request.model import Request

EVERYBODYS = ("/tmp", "/var/tmp")  # noqa: S108 - paths of the image
_MAX_TABLE = 1 << 20  # bytes of /etc/passwd


def with_directories(rootfs: Rootfs, asked: Request) -> Rootfs:
    """The files with every directory that was asked for, and /tmp open to all.

    Raises:
        UsageError: something that is no directory stands there; an owner by a name that the image does not know.
    """
    user = asked.account
    explicit = {directory.path for directory in asked.directory}
    wanted = [
        (one.path, one.mode, one.owner or user, f"--directory {one.path}{one.why}", True) for one in asked.directory
    ]
    wanted += [(path, 0o755, user, f"--volume {path}", True) for path in asked.volume]
    if asked.workdir is not None:
        wanted.append((asked.workdir, 0o755, user, f"--workdir {asked.workdir}", False))
    for path, mode, owner, option, take in wanted:
        if option.startswith("--directory") or path not in explicit:
            rootfs = _with(rootfs, posixpath.normpath(path), mode, owner, option, take=take)
    return _open_to_all(rootfs, explicit)


def _with(rootfs: Rootfs, path: str, mode: int, owner: str, option: str, *, take: bool) -> Rootfs:
    """One directory. ``take``: it is given to the owner also where other files make it one of the system's."""
    planned = PlannedRoot(rootfs)
    real = _real(planned, path)
    if real is None:
        raise UsageError(f"cannot make the directory {path} ({option}): the image has something else there or above it")
    old = rootfs.get(real)
    if real in EVERYBODYS and not option.startswith("--directory"):
        mode, owner = 0o1777, "0:0"
    elif real == "/" or (not take and _is_taken(rootfs, planned, real)):
        return rootfs
    elif isinstance(old, Directory) and not option.startswith("--directory"):
        mode = old.mode  # an included directory keeps its own
    uid, gid = _numbers(rootfs, owner, option)
    because = (*(old.because if old is not None else ()), Reason("option", option))
    made = Directory(real, mode, uid, gid, because=because, rank=RANK_OPTION)
    return Rootfs([*(entry for entry in rootfs if entry.path != real), made])


def _is_taken(rootfs: Rootfs, planned: PlannedRoot, path: str) -> bool:
    """Whether files of the root stand in a directory that nobody asked for by an option: it stays root's."""
    entry = rootfs.get(path)
    if isinstance(entry, Directory):
        return entry.rank < RANK_OPTION
    return planned.lookup(path) is not None


def _real(planned: PlannedRoot, path: str) -> str | None:
    """Where a directory of this name lies, links followed; ``None`` where it cannot be made."""
    node = planned.lookup(path)
    if node is not None:
        return node.canonical if node.kind == "directory" else None
    if planned.lookup(path, follow=False) is not None:
        return None  # a link that leads nowhere
    parent, name = posixpath.split(path)
    above = _real(planned, parent)
    return None if above is None else posixpath.join(above, name)


def _open_to_all(rootfs: Rootfs, explicit: set[str]) -> Rootfs:
    """The places for temporary files are 1777 wherever the image has them, however they came to be there."""
    made = []
    for path in EVERYBODYS:
        entry = rootfs.get(path)
        implied = entry is None and any(other.path.startswith(path + "/") for other in rootfs)
        if path in explicit or isinstance(entry, File | Symlink) or not (entry or implied):
            continue
        if not isinstance(entry, Directory) or (entry.mode, entry.uid, entry.gid) != (0o1777, 0, 0):
            because = entry.because if entry is not None else (Reason("parent", path),)
            made.append(Directory(path, 0o1777, because=because, rank=RANK_OPTION))
    if not made:
        return rootfs
    paths = {entry.path for entry in made}
    return Rootfs([*(entry for entry in rootfs if entry.path not in paths), *made])


def _numbers(rootfs: Rootfs, owner: str, option: str) -> tuple[int, int]:
    """``UID[:GID]`` as numbers; names as the image's own tables have them. Without a group it is the user's own."""
    user, _, group = owner.partition(":")
    row = _row(rootfs, "/etc/passwd", user)
    uid = foreign.decimal(user) if row is None else foreign.decimal(row[2])
    gid = foreign.decimal(group) if group else None
    if group and gid is None:
        named = _row(rootfs, "/etc/group", group)
        gid = foreign.decimal(named[2]) if named else None
    elif not group:
        gid = foreign.decimal(row[3]) if row and len(row) > 3 else uid
    if uid is None or gid is None:
        raise UsageError(
            f"cannot give {option} to {owner!r}: the image's /etc/passwd and /etc/group do not name it (I15)",
            hint="use numbers, for example 65532:65532, or bring a file that names it with --include",
        )
    return uid, gid


def _row(rootfs: Rootfs, table: str, name: str) -> list[str] | None:
    """The fields of one row of passwd or group, by name or number."""
    entry = rootfs.get(table)
    if not isinstance(entry, File):
        return None
    with entry.source.open() as stream:
        text = stream.read(_MAX_TABLE).decode("utf-8", "surrogateescape")
    rows = (line.split(":") for line in text.splitlines())
    return next((row for row in rows if len(row) > 2 and name in (row[0], row[2])), None)
