"""What a history is made of: the versions of paths, the files behind them, and why a version is hidden (W1, W2). Values, no reading."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from scratchpack.layers.tarindex import Record


class By(StrEnum):
    """What kind of entry hid a version."""

    WHITEOUT = "whiteout"  # of it, or of a directory above it
    OPAQUE = "opaque directory"  # above it
    ENTRY = "entry"  # of the same kind, at its path
    KIND = "other kind"  # an entry of another kind, at its path or above it


class Cause(StrEnum):
    """Why the bytes of a version are dead (W2)."""

    DELETED = "deleted"
    REPLACED = "replaced"  # another content or kind
    METADATA_ONLY = "metadata-only"  # the same content; mode, owner or attributes differ
    REWRITTEN = "rewritten"  # the same content and metadata; at most the time differs


class Hidden(NamedTuple):
    """What hid a version: an entry of layer ``layer`` (0 is the lowest), which deletes or stands at ``path``."""

    by: By
    layer: int
    path: str
    successor: PathVersion | None = None  # what the same layer puts at the version's own path


class Inode:
    """A file as a file system knows it: its hard links share it. Bytes are counted here, once."""

    __slots__ = ("digest", "layer", "links", "number", "record")

    def __init__(self, number: int, layer: int, record: Record) -> None:
        self.number, self.layer = number, layer
        self.record = record  # with the mode and owner that it has in the end
        self.links = 0  # live names; without any the bytes are dead
        self.digest: str | None = None  # once asked for


class PathVersion:
    """One entry of one layer: what a path was from that layer on, until ``hidden``."""

    __slots__ = ("below", "hidden", "inode", "layer", "path", "record")

    def __init__(self, path: str, layer: int, record: Record, inode: Inode) -> None:
        self.path = path  # without a link in it
        self.layer, self.record, self.inode = layer, record, inode
        self.hidden: Hidden | None = None
        self.below: dict[str, PathVersion] | None = {} if record.kind == "directory" else None

    @property
    def implied(self) -> bool:
        """Whether no entry names this directory, only names below it."""
        return self.record.offset < 0

    def __repr__(self) -> str:
        return f"<PathVersion {self.path!a} {self.record.kind} of layer {self.layer}{' hidden' if self.hidden else ''}>"


def may_be_equal(one: Inode, other: Inode) -> bool:
    """Whether only digests can tell two files apart."""
    return one is not other and one.record.kind == other.record.kind == "file" and one.record.size == other.record.size


def cause(version: PathVersion, hidden: Hidden) -> Cause:
    """Why a version is hidden; digests are there where :func:`may_be_equal` says so."""
    after = hidden.successor
    if after is None:
        return Cause.DELETED if hidden.by in (By.WHITEOUT, By.OPAQUE) else Cause.REPLACED
    if (
        version.below is not None and after.below is not None
    ):  # restated: they share an inode, whose record is the later one
        return Cause.REWRITTEN if _metadata(version.record) == _metadata(after.record) else Cause.METADATA_ONLY
    old, new = version.inode, after.inode
    if old is new:
        return Cause.REWRITTEN
    equal = (
        old.record.kind == new.record.kind
        and old.record.target == new.record.target
        and old.record.device == new.record.device
        and old.digest == new.digest
    )
    if not equal or (old.record.kind == "file" and (old.record.size != new.record.size)):
        return Cause.REPLACED
    return Cause.REWRITTEN if _metadata(old.record) == _metadata(new.record) else Cause.METADATA_ONLY


def _metadata(record: Record) -> tuple[object, ...]:
    """What ``chmod``, ``chown`` and ``setfattr`` change; the mode of a symbolic link means nothing."""
    return (record.mode if record.kind != "symlink" else 0, record.uid, record.gid, record.xattrs)
