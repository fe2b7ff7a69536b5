"""``-o type=docker`` and ``type=oci``: a release goes in, one uncompressed tar that is a layout of blobs comes out.

With Docker's manifest.json beside index.json it loads everywhere: `docker load`, `podman load`, `ctr images import`, skopeo; without
it is the plain archive of the OCI image specification. The layer is written in place, once, straight into the output.

A blob's tar header is kept free, its bytes are streamed and hashed in one pass, and the header is then written over the free place,
because name and size are known only at the end. Into a pipe, which cannot be patched, blobs go when they are finished.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from scratchpack.oci import index, tar
from scratchpack.oci.digest import blob_path, verified
from scratchpack.oci.spool import TemporarySpool, region
from scratchpack.sinks.model import written
from scratchpack.sinks.publish import StagedFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import BinaryIO

    from scratchpack.oci.model import Release
    from scratchpack.oci.spool import Slot
    from scratchpack.sinks.model import Receipt


class Archive:
    """An archive being written (``kind`` is "docker" or "oci"); also the spool that its layers may be built in.

    Use it as ``with Archive(dest) as archive``: build layers with ``spool=archive``, then call :meth:`write` once. Layers built in it
    can be read until the block ends, by other outputs too. Leaving the block without :meth:`write` leaves nothing behind (S18).
    """

    def __init__(self, dest: str, *, kind: str = "docker", mtime: int = 0) -> None:
        self._kind = kind
        self._file = StagedFile(dest)
        self._mtime = mtime
        self._begun = False
        self._written: dict[str, int] = {}  # digest: where its bytes begin
        self._aside: TemporarySpool | None = None

    def slot(self) -> Slot:
        """Room for one blob: in the archive itself, or beside it where the output is a pipe."""
        if self._file.seekable:
            self._begin()
            return _ArchiveSlot(self._file, self._written, self._mtime)
        if self._aside is None:
            self._aside = TemporarySpool()
        return self._aside.slot()

    def write(self, release: Release) -> tuple[Receipt, ...]:
        """Add what is not in the archive yet, end it, and give it its name.

        Raises:
            OutputError: it could not be written (S19), or a blob is not what its digest says (I9).
        """
        self._begin()
        for blob in index.blobs(release):
            if blob.digest not in self._written:
                self._written[blob.digest] = self._file.position + tar.BLOCK
                self._file.write(tar.outer_header(blob_path(blob.digest), blob.size, self._mtime))
                for piece in verified(blob):
                    self._file.write(piece)
                self._file.write(tar.padding(blob.size))
        self._document("index.json", index.layout_index(release))
        if self._kind == "docker":
            self._document("manifest.json", index.docker_manifest(release))
        self._document("oci-layout", index.LAYOUT)
        self._file.write(tar.END)
        self._file.publish()
        return (written(self._kind, self._file.dest, release),)

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            for name in index.DIRECTORIES:  # I20
                self._file.write(tar.outer_directory(name, self._mtime))

    def _document(self, name: str, data: bytes) -> None:
        self._file.write(tar.outer_header(name, len(data), self._mtime) + data + tar.padding(len(data)))

    def close(self) -> None:
        """Remove the archive unless it was written; blobs built in it cannot be read any more."""
        if self._aside is not None:
            self._aside.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _ArchiveSlot:
    def __init__(self, file: StagedFile, written: dict[str, int], mtime: int) -> None:
        self._file, self._written, self._mtime, self._start = file, written, mtime, file.position
        file.write(bytes(tar.BLOCK))

    def write(self, data: bytes | memoryview) -> None:
        self._file.write(data)

    def finish(self, digest: str, size: int) -> Callable[[], BinaryIO]:
        begin = self._start + tar.BLOCK
        if digest in self._written:
            self._file.rewind(self._start)  # the same bytes stand here already: two images share the layer
            begin = self._written[digest]
        else:
            self._written[digest] = begin
            self._file.write(tar.padding(size))
            self._file.patch(tar.outer_header(blob_path(digest), size, self._mtime), self._start)
        return lambda: region(self._file.file, begin, size, self._file.dest)
