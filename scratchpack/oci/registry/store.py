"""An image in a registry as the files of a layout, so that whatever reads images at rest reads it too: analysis, slimming, verify.

``index.json`` names what the reference stands for; a blob comes when it is first opened, is checked, and stays in an unnamed
temporary file, because layers are read more than once and not only from their start.
"""

from __future__ import annotations

import io
import os
import tempfile
from typing import TYPE_CHECKING, BinaryIO

from scratchpack import foreign
from scratchpack.errors import InputError, OutputError, RemoteError
from scratchpack.oci.digest import blob_path, canonical_json
from scratchpack.oci.index import IMAGE_NAME, LAYOUT, REF_NAME
from scratchpack.oci.model import MEDIA_INDEX
from scratchpack.oci.reference import is_digest
from scratchpack.oci.registry.pull import RemoteImage
from scratchpack.oci.spool import TemporarySpool
from scratchpack.oci.store import MAX_DOCUMENT, Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from scratchpack.oci.registry.client import Document
    from scratchpack.oci.registry.session import Access

_BLOBS = "blobs/sha256/"
_MOST = 256  # manifests that one index is followed to
_MOST_BYTES = 32 << 20  # of all documents of one image


class RemoteStore(Store):
    """One reference of a registry, seen as a layout; close it, or use it in a ``with``."""

    def __init__(self, name: str, options: Access | None = None) -> None:
        super().__init__(name)
        self._remote = RemoteImage(name, options)
        self._manifests: dict[str, Document | None] = {}  # by digest; None where it is known of and not read yet
        self._own: dict[str, bytes] = {"oci-layout": LAYOUT}
        self._sizes: dict[str, int] = {}  # of blobs, as the manifests state them
        self._kept = 0  # bytes of documents
        self._spool = TemporarySpool()
        self._fetched: dict[str, Callable[[], BinaryIO]] = {}

    def size(self, path: str) -> int | None:
        """Bytes of a file, or ``None`` where there is none of that name."""
        data = self._data(path)
        if data is not None:
            return len(data)
        digest = _digest(path)
        return None if digest is None else self._remote.size(digest)

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading and seeking.

        Raises:
            InputError: a layout has no such file.
            RemoteError: the registry has it not, refused, or sent other bytes.
            OutputError: no room for it.
        """
        data = self._data(path)
        if data is not None:
            return io.BytesIO(data)
        digest = _digest(path)
        if digest is None:
            raise self.missing(path)
        if digest not in self._fetched:
            self._fetched[digest] = self._fetch(digest)
        return self._fetched[digest]()

    def _fetch(self, digest: str) -> Callable[[], BinaryIO]:
        stated, size = self._sizes.get(digest), 0
        self._room(digest, stated or 0)
        slot = self._spool.slot()
        with self._remote.open(digest, stated) as stream:  # which raises as soon as more comes than was stated
            while piece := stream.read(1 << 20):
                slot.write(piece)
                size += len(piece)
                if stated is None and size > MAX_DOCUMENT:
                    raise RemoteError(
                        f"cannot read {digest} of {self.name}: no manifest states its size, and it is large"
                    )
        return slot.finish(digest, size)

    def _room(self, digest: str, size: int) -> None:
        """Hold that the temporary directory has room for a blob before the first byte of it is asked for."""
        place = tempfile.gettempdir()
        room = os.statvfs(place)
        if size > room.f_bavail * room.f_frsize:
            raise OutputError(
                f"cannot keep {digest} of {self.name} in {place}: it has {size} bytes, and there is no room for them",
                hint="set TMPDIR to a directory with more space",
            )

    def close(self) -> None:
        """Close the connections, and forget the blobs."""
        self._remote.__exit__()
        self._spool.close()

    def _data(self, path: str) -> bytes | None:
        """The bytes of a document that is no blob of the registry's."""
        if path == "index.json" and path not in self._own:
            self._own[path] = self._index()
        if path in self._own:
            return self._own[path]
        digest = _digest(path)
        if digest is None or digest not in self._manifests:
            return None
        found = self._manifests[digest]
        if found is None:
            found = self._remote.document(digest)
            self._remember(found)
        return found.data

    def _index(self) -> bytes:
        top = self._remote.top()
        self._remember(top)
        names = {IMAGE_NAME: str(self._remote.reference), REF_NAME: self._remote.reference.pointer}
        entry = {"mediaType": top.media_type, "digest": top.digest, "size": len(top.data), "annotations": names}
        index = {"schemaVersion": 2, "mediaType": MEDIA_INDEX, "manifests": [entry]}
        return canonical_json(index, what="index.json")

    def _remember(self, document: Document) -> None:
        """Keep a document, and note the manifests that it names: those are no blobs to a registry."""
        self._manifests[document.digest] = document
        self._kept += len(document.data)
        if self._kept > _MOST_BYTES:
            raise RemoteError(f"cannot read {self.name}: over {_MOST_BYTES >> 20} MiB of manifests")
        try:
            top = foreign.json_document(document.data)
            named = [one["digest"].text() for one in top.get("manifests").items()]
            config = top.get("config")
            for blob in (*([] if config.absent else [config]), *top.get("layers").items()):
                digest, size = blob["digest"].text(), blob["size"].number()
                self._sizes[digest] = max(size, self._sizes.get(digest, 0))
        except InputError:
            return  # whoever reads it says what is wrong with it
        for digest in named[:_MOST]:
            if is_digest(digest):
                self._manifests.setdefault(digest, None)


def _digest(path: str) -> str | None:
    digest = "sha256:" + path.removeprefix(_BLOBS)
    return digest if is_digest(digest) and path == blob_path(digest) else None
