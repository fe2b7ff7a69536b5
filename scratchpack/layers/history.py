"""One fold of an image's layers: openers of layer blobs go in; out come, for each path, its versions, which one is live, and what hid the others.

The waste report (W1 to W9), squashing and :class:`scratchpack.sysroot.layerroot.LayerRoot` all read this, so that whiteouts are
understood in one place. Only the index of the layers is kept; a digest is computed once it is asked for.

A layer's whiteouts and opaque directories hide what is below, wherever they stand in it, and never what the layer itself brings
(OCI image specification, "Layer Filesystem Changeset"). A name below a symbolic link of the same layer goes through the link, as in
every engine. Below a link of a lower layer it stands in a directory that takes the link's place, as overlay file systems show it;
engines that write all layers into one tree go through the link there too (I19), so such names are listed as ``disputed``.
"""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.layers.tarindex import LayerTar, Record
from scratchpack.layers.versions import By, Cause, Hidden, Inode, PathVersion, cause, may_be_equal
from scratchpack.oci.unpack import MAX_UNPACKED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from typing import Self

MAX_NAMES = 1_000_000  # entries of all layers, and directories that they imply: about half a kB each is kept
MAX_TEXT = 128 << 20  # characters of all names, link targets and attributes
MAX_LINKS = 40  # the kernel's bound on the symbolic links of one way (ELOOP, S8)
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
_AUFS = ".wh..wh."  # what aufs kept for itself: part of no image, whatever is in it


class History:
    """Image layers, lowest first.

    Args:
        openers: each opens one layer blob: tar, or tar compressed with gzip or zstd.
        name: what messages call the image.
        limit: bytes that all layers together may have uncompressed (S25).

    Raises:
        InputError: a layer that is damaged or beyond a limit.
    """

    def __init__(self, openers: Iterable[Callable[[], BinaryIO]], *, name: str, limit: int = MAX_UNPACKED) -> None:
        self.name = name
        self.layers: list[LayerTar] = []
        self.payload: list[int] = []  # of each layer: bytes of its files; the rest of its size is overhead (W5)
        self.hidden: list[PathVersion] = []  # in the order in which they were hidden
        self.dead: list[Inode] = []  # files without a live name, likewise
        self.disputed: list[tuple[str, int]] = []  # names on which engines disagree (I19), with their layer
        self._names = self._text = 0
        self._numbers = itertools.count(1)
        self._deleted: dict[str, PathVersion] = {}  # by whiteouts of the layer at hand
        self._parent: PathVersion | None = None  # of the entry before
        self._past: dict[str, list[PathVersion]] | None = None
        top = _directory("/")
        self.root = PathVersion("/", 0, top, Inode(0, 0, top))
        try:
            for number, opener in enumerate(openers):
                layer = LayerTar(opener, f"layer {number + 1} of {name}", limit=limit)
                self.layers.append(layer)
                self._apply(number, layer)
                limit = max(0, limit - layer.size)
        except BaseException:
            self.close()
            raise

    def find(self, path: str) -> PathVersion | None:
        """What is live at a path, links not followed."""
        at: PathVersion | None = self.root
        for name in path.split("/"):
            if name:
                at = at.below.get(name) if at is not None and at.below is not None else None
        return at

    def versions(self, path: str) -> tuple[PathVersion, ...]:
        """Everything that was ever at a path, oldest first; at most the last is live."""
        if self._past is None:
            self._past = {}
            for version in self.hidden:
                self._past.setdefault(version.path, []).append(version)
        live = self.find(path)
        return (*self._past.get(path, ()), *([live] if live is not None else []))

    def live(self) -> Iterator[PathVersion]:
        """What the image shows, parents first, names of one directory in the order of their bytes."""
        pending = [self.root]
        while pending:
            version = pending.pop()
            yield version
            if version.below:
                pending += [version.below[name] for name in sorted(version.below, key=os.fsencode, reverse=True)]

    def overhead(self, layer: int) -> int:
        """Bytes of a layer that are no file's content: headers, padding, whiteouts (W5)."""
        return self.layers[layer].size - self.payload[layer]

    def open(self, inode: Inode) -> BinaryIO:
        """The content of a file, live or not, to be read until the history is closed.

        Raises:
            InputError: the layer is damaged, or closed.
            OutputError: a compressed layer finds no room in the temporary directory.
        """
        return self.layers[inode.layer].open(inode.record)

    def hash(self, inodes: Iterable[Inode]) -> None:
        """Compute the digests of files that have none yet, in one pass a layer.

        Raises:
            InputError: a layer is damaged, or closed.
        """
        wanted: dict[int, list[Inode]] = {}
        for inode in inodes:
            if inode.digest is None and inode.record.kind == "file":
                wanted.setdefault(inode.layer, []).append(inode)
        for layer, files in sorted(wanted.items()):
            found = self.layers[layer].digests(inode.record for inode in files)
            for inode in files:
                inode.digest = found[inode.record.offset]

    def causes(self, versions: Iterable[PathVersion]) -> list[tuple[PathVersion, Cause]]:
        """Why each of these hidden versions is hidden (W2); digests are compared where sizes are equal.

        Raises:
            InputError: a layer is damaged, or closed.
        """
        asked = [(version, version.hidden) for version in versions if version.hidden is not None]
        self.hash(
            inode
            for version, hidden in asked
            if (after := hidden.successor) is not None and may_be_equal(version.inode, after.inode)
            for inode in (version.inode, after.inode)
        )
        return [(version, cause(version, hidden)) for version, hidden in asked]

    def close(self) -> None:
        """Close the layers; their files cannot be read afterwards."""
        for layer in self.layers:
            layer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _apply(self, number: int, layer: LayerTar) -> None:
        """One layer over those below it: deletions first, since they never touch what the layer brings itself."""
        self._deleted, self._parent = {}, None
        self.payload.append(0)
        own: list[Record] = []
        for record in layer.records():
            self._count(
                layer, 1, len(record.path) + len(record.target) + sum(len(n) + len(v) for n, v in record.xattrs)
            )
            self.payload[number] += record.stored
            above, _, name = record.path.rpartition("/")
            if name == OPAQUE:
                if (opened := self.find(above)) is not None and opened.below is not None:
                    for version in opened.below.values():
                        self._hide(version, Hidden(By.OPAQUE, number, above or "/"))
                    opened.below = {}
            elif _AUFS in record.path and any(part.startswith(_AUFS) for part in record.path.split("/")):
                continue
            elif name.startswith(WHITEOUT):
                self._delete(layer, number, above, name.removeprefix(WHITEOUT))
            else:
                own.append(record)
        for record in own:
            self._put(layer, number, record)

    def _delete(self, layer: LayerTar, number: int, above: str, name: str) -> None:
        if name in ("", ".", ".."):
            raise layer.fail(f"{above}/{WHITEOUT}{name} deletes nothing that has a name")
        parent = self.find(above)
        version = parent.below.pop(name, None) if parent is not None and parent.below is not None else None
        if version is not None:  # else it is dangling, which harms nobody
            self._hide(version, Hidden(By.WHITEOUT, number, f"{above}/{name}"))

    def _put(self, layer: LayerTar, number: int, record: Record) -> None:
        if record.path == "/":
            if record.kind != "directory":
                raise layer.fail(f"its / is a {record.kind}")
            self.root = self._restate(self.root, number, record)
            return
        directory, _, name = record.path.rpartition("/")
        above = self._above(layer, number, directory)
        assert above is not None  # noqa: S101 - it is made
        assert above.below is not None  # noqa: S101 - it is a directory
        path = record.path if above.path == directory else f"{above.path.rstrip('/')}/{name}"
        old = above.below.get(name)
        if old is not None and old.below is not None and record.kind == "directory":
            above.below[name] = self._restate(old, number, record)
            return
        inode = self._linked(layer, number, record, old) if record.kind == "hard link" else None
        version = PathVersion(path, number, record, inode or Inode(next(self._numbers), number, record))
        version.inode.links += 1
        if old is None:
            old = self._deleted.pop(path, None)
            if old is not None and old.hidden is not None:
                old.hidden = old.hidden._replace(successor=version)
        else:
            same = (old.below is None) == (version.below is None) and old.inode.record.kind == version.inode.record.kind
            self._hide(old, Hidden(By.ENTRY if same else By.KIND, number, path), version)
        above.below[name] = version

    def _restate(self, old: PathVersion, number: int, record: Record) -> PathVersion:
        """A directory over a directory: what is in it stays."""
        version = PathVersion(old.path, number, record, old.inode)
        version.below, old.below = old.below, {}
        version.inode.record = record
        if self._parent is old:
            self._parent = version
        if not old.implied and old.path != "/":
            old.hidden = Hidden(By.ENTRY, number, old.path, version)
            self.hidden.append(old)
        return version

    def _linked(self, layer: LayerTar, number: int, record: Record, old: PathVersion | None) -> Inode:
        """The file that a hard link gives another name to; as in engines, the link's mode and owner become the file's."""
        directory, _, name = record.target.rpartition("/")
        above = self._above(layer, number, directory, make=False)
        other = above.below.get(name) if above is not None and above.below is not None else None
        gone = old is not None and (
            other is old or (old.below is not None and record.target.startswith(old.path + "/"))
        )
        if other is None or other.below is not None or gone:
            raise layer.fail(f"{record.path} is a hard link to {record.target}, which is not there")
        inode = other.inode
        if inode.record.kind != "symlink":
            inode.record = inode.record._replace(mode=record.mode, uid=record.uid, gid=record.gid)
        return inode

    def _hide(self, version: PathVersion, hidden: Hidden, successor: PathVersion | None = None) -> None:
        """A version, and everything below it where it is a directory."""
        pending = [version]
        while pending:
            at = pending.pop()
            at.hidden = hidden if at is not version or successor is None else hidden._replace(successor=successor)
            if at.below:
                pending += at.below.values()
                at.below = {}
            if at.implied:
                continue
            self.hidden.append(at)
            if hidden.by in (By.WHITEOUT, By.OPAQUE):
                self._deleted[at.path] = at
            if at.below is None:
                at.inode.links -= 1
                if at.inode.links == 0 and at.inode.record.kind == "file":
                    self.dead.append(at.inode)

    def _above(self, layer: LayerTar, number: int, directory: str, *, make: bool = True) -> PathVersion | None:
        """The directory that holds an entry, made where nothing names it; ``None`` where it is not there and ``make`` is false."""
        if (last := self._parent) is not None and last.hidden is None and last.path == directory:
            return last
        trail, pending, links = [self.root], directory.split("/")[::-1], 0
        while pending:
            part = pending.pop()
            if part in ("", "."):
                continue
            if part == "..":
                del trail[max(1, len(trail) - 1) :]
                continue
            at = trail[-1].below or {}
            found = at.get(part)
            if found is not None and found.below is not None:
                trail.append(found)
            elif (
                found is not None
                and found.inode.record.kind == "symlink"
                and (found.layer == number or links or not make)
            ):
                links += 1
                target = found.inode.record.target
                self._count(layer, 0, len(target))
                if links > MAX_LINKS:
                    raise layer.fail(f"{directory}: too many symbolic links, or a loop of them")
                if target.startswith("/"):
                    del trail[1:]
                pending += target.split("/")[::-1]
            elif make:
                trail.append(self._implied(layer, number, trail[-1], part))
            else:
                return None
        if make and not links:
            self._parent = trail[-1]
        return trail[-1]

    def _implied(self, layer: LayerTar, number: int, above: PathVersion, name: str) -> PathVersion:
        assert above.below is not None  # noqa: S101 - only directories are on a trail
        path = f"{above.path.rstrip('/')}/{name}"
        self._count(layer, 1, len(path))
        made = PathVersion(path, number, _directory(path), Inode(next(self._numbers), number, _directory(path)))
        if (found := above.below.get(name)) is not None:
            if found.layer == number:
                raise layer.fail(f"{path} is a {found.inode.record.kind}, and something stands below it")
            if found.inode.record.kind == "symlink":
                self.disputed.append((path, number))
            self._hide(found, Hidden(By.KIND, number, path), made)
        above.below[name] = made
        return made

    def _count(self, layer: LayerTar, names: int, text: int) -> None:
        self._names += names
        self._text += text
        if self._names > MAX_NAMES or self._text > MAX_TEXT:
            raise layer.fail(f"the image has more than {MAX_NAMES} names, or {MAX_TEXT} characters of them")


def _directory(path: str) -> Record:
    """A directory that no entry names, as engines make it."""
    return Record(path, "directory", 0o755, 0, 0, 0, 0, "", -1, None, ())
