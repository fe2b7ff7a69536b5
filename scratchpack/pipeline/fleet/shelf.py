"""Where the processes of one run build their layers: a directory of blobs, in which a layer that several images have is built once."""

from __future__ import annotations

import hashlib
import io
import json
import os
from typing import TYPE_CHECKING, Any

from scratchpack import foreign
from scratchpack.errors import OutputError
from scratchpack.oci.digest import blob_path
from scratchpack.oci.model import Blob, Layer
from scratchpack.oci.spool import write_all
from scratchpack.rootfs import File
from scratchpack.sinks import temporary

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from scratchpack.oci.spool import Slot
    from scratchpack.rootfs import Rootfs

_MOST_LINKS = 64  # names of one file; more, and the layer is simply built


class Shelf:
    """One directory, used by any number of processes; implements :class:`scratchpack.oci.spool.Spool`.

    Each finished blob stands under its digest, put there by a rename. Who builds a layer holds a lock on its key, which the kernel
    lets go of when that process dies.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        try:
            for name in ("blobs/sha256", "layers"):
                os.makedirs(os.path.join(directory, name), exist_ok=True)
        except OSError as error:
            raise self._fault(error) from error

    def slot(self) -> Slot:
        """Room for one blob, in a file of its own."""
        return _ShelfSlot(self)

    def layer(self, rootfs: Rootfs, how: tuple[object, ...], build: Callable[..., Layer]) -> Layer:
        """The layer of these files, taken from here, or built with ``build(spool=…)``; ``how`` it is compressed belongs to its name."""
        key = _key(rootfs, how)
        if key is None:
            return build(spool=self)
        path = os.path.join(self.directory, "layers", key)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            raise self._fault(error) from error
        with io.FileIO(descriptor, "r+") as file:
            temporary.lock(descriptor, wait=True)
            known = file.read()
            if known:
                return self._known(known)
            layer = build(spool=self)
            write_all(descriptor, json.dumps(layer_fields(layer)).encode())
            return layer

    def blob(self, media_type: str, digest: str, size: int) -> Blob:
        """A blob that stands here."""
        path = os.path.join(self.directory, blob_path(digest))
        return Blob(media_type, digest, size, lambda: _open(path))

    def _known(self, text: bytes) -> Layer:
        value = foreign.json_document(text)
        blob = self.blob(value["mediaType"].text(), value["digest"].text(), value["size"].number())
        return layer_of(value, blob)

    def _fault(self, error: OSError) -> OutputError:
        return OutputError(
            f"cannot build layers in {self.directory}: {error.strerror}", hint="set TMPDIR to a directory with room"
        )


class _ShelfSlot:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._path = os.path.join(shelf.directory, "blobs", f"unfinished.{os.urandom(8).hex()}")
        try:
            self._file = io.FileIO(self._path, "x+")
        except OSError as error:
            raise shelf._fault(error) from error  # noqa: SLF001 - one module, one idea

    def write(self, data: bytes | memoryview) -> None:
        try:
            write_all(self._file.fileno(), data)
        except OSError as error:
            raise self._shelf._fault(error) from error  # noqa: SLF001

    def finish(self, digest: str, size: int) -> Callable[[], BinaryIO]:
        del size
        self._file.close()
        path = os.path.join(self._shelf.directory, blob_path(digest))
        try:
            os.rename(self._path, path)
        except OSError as error:
            raise self._shelf._fault(error) from error  # noqa: SLF001
        return lambda: _open(path)


def layer_fields(layer: Layer) -> dict[str, Any]:
    """What there is to know of a layer beside its bytes, as JSON has it."""
    return {
        "mediaType": layer.blob.media_type,
        "digest": layer.blob.digest,
        "size": layer.blob.size,
        "diff_id": layer.diff_id,
        "uncompressed_size": layer.uncompressed_size,
        "annotations": dict(layer.annotations),
    }


def layer_of(value: foreign.Value, blob: Blob) -> Layer:
    """The same, read; ``blob`` has its bytes.

    Raises:
        InputError: a field is missing or of the wrong kind.
    """
    return Layer(
        blob,
        value["diff_id"].text(),
        value["uncompressed_size"].number(),
        tuple(value.get("annotations").table().items()),
    )


def _open(path: str) -> BinaryIO:
    """A blob's bytes; what holds them against their digest is whoever writes them (S20, I9)."""
    return open(path, "rb")


def _key(rootfs: Rootfs, how: tuple[object, ...]) -> str | None:
    """A name for the layer of these files as they stand on disk now; ``None`` where their bytes come from elsewhere."""
    parts: list[object] = [how]
    for entry in rootfs:
        if not isinstance(entry, File) or len(parts) > _MOST_LINKS:
            return None
        with entry.source.open() as stream:
            try:
                status = os.fstat(stream.fileno())
            except OSError:  # io.UnsupportedOperation: what was made in memory
                return None
        stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        parts.append(
            (entry.path, entry.mode, entry.uid, entry.gid, entry.inode is None, entry.xattrs, entry.size, stamp)
        )
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()
