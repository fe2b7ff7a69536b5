"""One layer's tar against the rules for it, in one streamed pass that also gives its diff_id (I9, I10, I11, I16, I17, I19, S14)."""

from __future__ import annotations

import hashlib
import posixpath
import stat
import tarfile
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from scratchpack.oci.unpack import ForwardReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_HEADER = 4 * 1024 * 1024
MAX_ENTRIES = 2_000_000
_DEVICES = {tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE}
KEPT = frozenset({"etc/passwd", "etc/group"})
_MAX_KEPT = 1 << 20


class Seen(NamedTuple):
    """What a layer turned out to be."""

    diff_id: str
    problems: tuple[tuple[str, str], ...]  # (rule, what)
    kinds: dict[str, str]  # path to "file", "directory", "symlink" or "other", in the order of the tar
    kept: dict[str, bytes]  # the tables that say who a user is


def check(pieces: Iterator[bytes]) -> Seen:
    """Read one layer to its end.

    Raises:
        InputError: from ``pieces``, where the compressed form is damaged.
    """
    hashed = hashlib.sha256()
    stream = ForwardReader(_hashed(pieces, hashed.update), most=MAX_HEADER)
    layer = _Layer()
    try:
        with tarfile.open(fileobj=cast("BinaryIO", stream), mode="r:", errors="surrogateescape") as tar:
            for member in tar:
                layer.entry(member)
                if member.isreg() and member.name in KEPT and member.size <= _MAX_KEPT:
                    stream.seek(member.offset_data)
                    layer.kept[member.name] = stream.read(member.size)
                cast("Any", tar).members = []  # tarfile would keep every header
                if len(layer.kinds) > MAX_ENTRIES:
                    raise tarfile.ReadError(f"over {MAX_ENTRIES} entries")
    except (tarfile.TarError, OverflowError, ValueError) as error:
        layer.problems.append(("I9", f"not a readable tar: {error}"))
    if not stream.finish():
        layer.problems.append(("I10", "something follows the end of the tar"))
    return Seen("sha256:" + hashed.hexdigest(), tuple(layer.problems), layer.kinds, layer.kept)


def _hashed(pieces: Iterator[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for piece in pieces:
        update(piece)
        yield piece


class _Layer:
    def __init__(self) -> None:
        self.problems: list[tuple[str, str]] = []
        self.kinds: dict[str, str] = {}
        self.kept: dict[str, bytes] = {}

    def entry(self, member: tarfile.TarInfo) -> None:
        """Hold one entry against the rules, then remember it."""
        path = posixpath.normpath(member.name)
        shown = ascii(member.name)[1:-1]
        if member.name.startswith("/") or ".." in member.name.split("/"):
            self.problems.append(("I10", f"{shown}: an absolute name, or one with .."))
        if path in self.kinds:
            self.problems.append(("I10", f"{shown}: twice in one layer"))
        kind = _kind(member)
        if path == ".":
            if stat.S_IMODE(member.mode) != 0o755:
                self.problems.append(("I11", f"the root directory is {stat.S_IMODE(member.mode):04o}, not 0755"))
        else:
            self._parent(path, shown)
        base = posixpath.basename(path)
        if base.startswith(".wh.") and (not member.isreg() or member.size):
            self.problems.append(("I16", f"{shown}: a whiteout's name on something else"))
        if path in {"tmp", "var/tmp"} and kind == "directory" and stat.S_IMODE(member.mode) != 0o1777:
            self.problems.append(("I17", f"{shown} is {stat.S_IMODE(member.mode):04o}, not 1777"))
        if member.islnk() and self.kinds.get(posixpath.normpath(member.linkname)) != "file":
            self.problems.append(("S14", f"{shown}: its hard-link target {member.linkname!a} does not come earlier"))
        if member.type in _DEVICES:
            self.problems.append(("S6", f"{shown}: a device or a FIFO"))
        self.kinds[path] = kind

    def _parent(self, path: str, shown: str) -> None:
        parent = posixpath.dirname(path)
        if not parent:
            return
        kind = self.kinds.get(parent)
        if kind is None:
            self.problems.append(("I10", f"{shown}: its parent directory does not come before it"))
            self.kinds[parent] = "directory"  # said once
        elif kind != "directory":
            self.problems.append(("I19", f"{shown}: its parent is a {kind}"))


def _kind(member: tarfile.TarInfo) -> str:
    if member.isdir():
        return "directory"
    if member.issym():
        return "symlink"
    return "file" if member.isreg() or member.islnk() else "other"
