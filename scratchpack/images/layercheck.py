"""One layer's tar, read once to its end: its stored stream goes in, what it is and what is wrong with it comes out.

Two lists: what breaks the layer for everybody (it is no tar, a name leads out of the root), and where it differs from what scratchpack
writes (I10, I11, I16, I17, I19, S6, S14), which is nobody else's fault.
"""

from __future__ import annotations

import hashlib
import posixpath
import stat
import tarfile
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from scratchpack.errors import InputError
from scratchpack.oci.tarstream import MAX_HEADER, BadTarError, members
from scratchpack.oci.unpack import ForwardReader, compression_of, pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scratchpack.oci.budget import UnpackBudget

_DEVICES = {tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE}
_MOST = 20  # lines a rule and layer; the rest is counted
_MOST_REPEATED = 1000  # entries of one layer whose name came before; an update appended to a tar makes some


class CheckedLayer(NamedTuple):
    """What a layer turned out to be. A problem is (rule, what)."""

    compression: str | None  # "gzip", "zstd", or None for none
    diff_id: str | None  # None where it was not read to its end
    broken: tuple[tuple[str, str], ...]
    unlike_ours: tuple[tuple[str, str], ...]
    readable: bool  # whether its tar was read to its end
    kinds: dict[str, str]  # path to "file", "directory", "symlink" or "other", in the order of the tar


def check_layer(stream: BinaryIO, stored: int, budget: UnpackBudget, *, what: str) -> CheckedLayer:
    """Read one layer.

    Args:
        stream: the blob as it is stored, seekable; it is not closed.
        stored: its size in bytes.
        budget: of the image.
        what: what messages call the layer.
    """
    layer = _Layer(budget)
    kind = compression_of(stream)
    budget.stored(stored)
    hashed, readable = hashlib.sha256(), True
    diff_id = None
    try:
        unpacked = budget.unpacking(pieces(stream, what=what))
        source = ForwardReader(_hashed(unpacked, hashed.update), most=MAX_HEADER)
        try:
            for member in members(source):
                budget.entry()
                layer.entry(member)
        except BadTarError as error:
            layer.broken.say("I9", f"not a readable tar: {error}")
            readable = False  # and there is nothing to learn from the rest of it
        else:
            if not source.finish():
                layer.broken.say("I10", "something follows the end of the tar")
            diff_id = f"sha256:{hashed.hexdigest()}"
    except InputError as error:
        layer.broken.say("I9", error.message)
        readable = False
    return CheckedLayer(kind, diff_id, layer.broken.lines(), layer.unlike.lines(), readable, layer.kinds)


class _Lines:
    """Problems, so many of each rule."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, str]] = []
        self._count: dict[str, int] = {}

    def say(self, rule: str, what: str) -> None:
        """Keep one."""
        count = self._count[rule] = self._count.get(rule, 0) + 1
        if count <= _MOST:
            self._lines.append((rule, what))

    def lines(self) -> tuple[tuple[str, str], ...]:
        """All that were kept, and how many were not."""
        more = [(rule, f"and {count - _MOST} more") for rule, count in self._count.items() if count > _MOST]
        return (*self._lines, *more)


class _Layer:
    def __init__(self, budget: UnpackBudget) -> None:
        self._budget = budget
        self._repeated = 0
        self.broken, self.unlike = _Lines(), _Lines()
        self.kinds: dict[str, str] = {}

    def entry(self, member: tarfile.TarInfo) -> None:
        """Hold one entry against the rules, then remember it."""
        path = posixpath.normpath(member.name)
        shown = ascii(member.name)[1:-1]
        if path == ".." or path.startswith("../"):
            self.broken.say("I10", f"{shown}: leads out of the root")
        if member.name.startswith("/") or ".." in member.name.split("/"):
            self.unlike.say("I10", f"{shown}: an absolute name, or one with ..")
            path = path.lstrip("/") or "."
        if path in self.kinds:
            self.unlike.say("I10", f"{shown}: twice in one layer")
            self._repeated += 1
            if self._repeated > _MOST_REPEATED:
                raise BadTarError(f"over {_MOST_REPEATED} entries whose names came before")
        kind = _kind(member)
        if path == ".":
            if stat.S_IMODE(member.mode) != 0o755:
                self.unlike.say("I11", f"the root directory is {stat.S_IMODE(member.mode):04o}, not 0755")
        else:
            self._parent(path, shown)
        if posixpath.basename(path).startswith(".wh.") and (not member.isreg() or member.size):
            self.unlike.say("I16", f"{shown}: a whiteout's name on something else")
        if path in {"tmp", "var/tmp"} and kind == "directory" and stat.S_IMODE(member.mode) != 0o1777:
            self.unlike.say("I17", f"{shown} is {stat.S_IMODE(member.mode):04o}, not 1777")
        if member.islnk() and self.kinds.get(posixpath.normpath(member.linkname)) != "file":
            self.unlike.say("S14", f"{shown}: its hard-link target {member.linkname!a} does not come earlier")
        if member.type in _DEVICES:
            self.unlike.say("S6", f"{shown}: a device or a FIFO")
        self.kinds[path] = kind

    def _parent(self, path: str, shown: str) -> None:
        parent = posixpath.dirname(path)
        if not parent:
            return
        kind = self.kinds.get(parent)
        if kind is None:
            self.unlike.say("I10", f"{shown}: its parent directory does not come before it")
            self.kinds[parent] = "directory"  # said once
        elif kind != "directory":
            self.unlike.say("I19", f"{shown}: its parent is a {kind}")


def _kind(member: tarfile.TarInfo) -> str:
    if member.isdir():
        return "directory"
    if member.issym():
        return "symlink"
    return "file" if member.isreg() or member.islnk() else "other"


def _hashed(pieces: Iterator[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for piece in pieces:
        update(piece)
        yield piece
