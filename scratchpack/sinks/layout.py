"""``-o type=oci,tar=false``: a release goes in; an image layout as a directory comes out, made in one piece or appended to, always valid (S17, S20)."""

from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING, Any, Self

from scratchpack import foreign
from scratchpack.errors import OutputError
from scratchpack.oci import index
from scratchpack.oci.digest import blob_path, verified
from scratchpack.oci.spool import region, write_all
from scratchpack.sinks import temporary
from scratchpack.sinks.model import written
from scratchpack.sinks.publish import StagedDirectory, StagedFile, cannot_write, check_free, sync_directory

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import BinaryIO

    from scratchpack.oci.model import Release
    from scratchpack.oci.spool import Slot
    from scratchpack.sinks.model import Receipt


class OciLayout:
    """A layout being written; also the spool that its layers may be built in (as :class:`scratchpack.sinks.archive.Archive`).

    Blobs are made in a directory beside ``dest``. A new layout is that directory, renamed. An existing one gets the blobs it
    lacks, and then, under its lock, an index.json that names the new images as well: a name that was there moves.
    """

    def __init__(self, dest: str, *, force: bool = False) -> None:
        self._dest, self._force = dest, force
        try:
            check_free(dest, force=force)
        except OutputError:
            if not is_layout(dest):  # asked last: another run may have put its layout there just now (S20)
                raise
        self._staged = StagedDirectory(dest)
        self._open: list[io.FileIO] = []
        try:
            os.makedirs(os.path.join(self._staged.path, "blobs", "sha256"))
        except OSError as error:
            self.close()
            raise cannot_write(dest, error) from error

    def slot(self) -> Slot:
        """Room for one blob, in a file of its own."""
        path = os.path.join(self._staged.path, "blobs", f"unfinished{len(self._open)}")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
        except OSError as error:
            raise cannot_write(self._dest, error) from error
        self._open.append(io.FileIO(descriptor, "r+"))
        return _LayoutSlot(self._dest, self._open[-1], path, self._staged.path)

    def write(self, release: Release) -> tuple[Receipt, ...]:
        """Add the release and publish.

        Raises:
            OutputError: it could not be written (S19), or a blob is not what its digest says (I9).
        """
        digests = []
        for blob in index.blobs(release):
            digests.append(blob.digest)
            if not os.path.lexists(os.path.join(self._staged.path, blob_path(blob.digest))):
                slot = self.slot()
                for piece in verified(blob):
                    slot.write(piece)
                slot.finish(blob.digest, blob.size)
        try:
            self._document("oci-layout", index.LAYOUT)
            self._document("index.json", index.layout_index(release))
            for directory in ("blobs/sha256", "blobs"):
                sync_directory(os.path.join(self._staged.path, directory))
            if (is_layout(self._dest) and not self._force) or not self._staged.publish(force=self._force):
                self._append(release, digests)
        except OSError as error:
            raise cannot_write(self._dest, error) from error
        return (written("oci", self._dest, release),)

    def close(self) -> None:
        """Remove what was not published; blobs built here cannot be read any more."""
        while self._open:
            self._open.pop().close()
        self._staged.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _document(self, name: str, data: bytes) -> None:
        with open(os.path.join(self._staged.path, name), "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())

    def _append(self, release: Release, digests: list[str]) -> None:
        """Blobs first, index.json last, one run at a time (S20)."""
        top = self._locked()
        try:
            names = [
                entry["annotations"]
                for entry in json.loads(index.layout_index(release))["manifests"]
                if "annotations" in entry
            ]
            others = [entry for entry in read_index(self._dest) if not _replaced(entry, names, digests)]
            store = os.path.join(self._dest, "blobs", "sha256")
            os.makedirs(store, exist_ok=True)
            for digest in digests:
                target = os.path.join(self._dest, blob_path(digest))
                if not os.path.lexists(target):
                    os.rename(os.path.join(self._staged.path, blob_path(digest)), target)
            sync_directory(store)
            with StagedFile(os.path.join(self._dest, "index.json")) as staged:
                staged.write(index.layout_index(release, others))
                staged.publish()
        finally:
            os.close(top)

    def _locked(self) -> int:
        while True:
            top = os.open(self._dest, os.O_RDONLY)
            temporary.lock(top, wait=True)
            if os.path.samestat(os.fstat(top), os.stat(self._dest)):
                break
            os.close(top)  # --force of another run took its place while this one waited
        if not is_layout(self._dest):
            os.close(top)
            raise OutputError(
                f"cannot write {self._dest}: the directory is not empty any more", hint="--force replaces it as a whole"
            )
        return top


class _LayoutSlot:
    def __init__(self, dest: str, file: io.FileIO, path: str, home: str) -> None:
        self._dest, self._file, self._path, self._home = dest, file, path, home

    def write(self, data: bytes | memoryview) -> None:
        try:
            write_all(self._file.fileno(), data)
        except OSError as error:
            raise cannot_write(self._dest, error) from error

    def finish(self, digest: str, size: int) -> Callable[[], BinaryIO]:
        try:
            os.fsync(self._file.fileno())
            os.replace(self._path, os.path.join(self._home, blob_path(digest)))
        except OSError as error:
            raise cannot_write(self._dest, error) from error
        return lambda: region(self._file, 0, size, self._dest)


def is_layout(path: str) -> bool:
    """Whether an image layout stands there."""
    return os.path.isfile(os.path.join(path, "oci-layout")) and os.path.isfile(os.path.join(path, "index.json"))


def read_index(layout: str) -> list[dict[str, Any]]:
    """The descriptors of a layout's index.json.

    Raises:
        OutputError: it cannot be added to: not JSON, or not an index.
    """

    def fault(why: str) -> OutputError:
        return OutputError(
            f"cannot add to {layout}: its index.json is not an image index: {why}",
            hint="--force replaces it as a whole",
        )

    data = foreign.file(os.path.join(layout, "index.json"), fault)
    if data is None:
        raise fault("there is none")
    entries = foreign.json_document(data, fault)["manifests"]
    return [entry.as_object() for entry in entries.items()]


def _replaced(entry: dict[str, Any], names: list[dict[str, str]], digests: list[str]) -> bool:
    """Whether the release says again what this descriptor of the old index says."""
    annotations = entry.get("annotations")
    own = annotations if isinstance(annotations, dict) else {}
    if index.IMAGE_NAME in own:
        return any(name[index.IMAGE_NAME] == own[index.IMAGE_NAME] for name in names)
    if index.REF_NAME in own:
        return any(name[index.REF_NAME] == own[index.REF_NAME] for name in names)
    return entry.get("digest") in digests
