"""A release as the archive that engines read from a stream, in pieces, without the blobs that the engine has already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.oci import index, tar
from scratchpack.oci.digest import blob_path, verified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.engines.model import Progress
    from scratchpack.oci.model import Release


def archive(release: Release, progress: Progress, *, without: frozenset[str] = frozenset()) -> Iterator[bytes]:
    """The archive of ``-o type=docker`` in pieces; blobs of the digests in ``without`` are left out.

    Raises:
        OutputError: a blob is not what its digest says (I9).
    """
    sent = [blob for blob in index.blobs(release) if blob.digest not in without]
    total, done = sum(blob.size for blob in sent), 0
    for name in index.DIRECTORIES:  # I20
        yield tar.outer_directory(name, 0)
    for blob in sent:
        yield tar.outer_header(blob_path(blob.digest), blob.size, 0)
        for piece in verified(blob):
            yield piece
            done += len(piece)
            progress("loading", done, total)
        yield tar.padding(blob.size)
    documents = (
        ("index.json", index.layout_index(release)),
        ("manifest.json", index.docker_manifest(release)),
        ("oci-layout", index.LAYOUT),
    )
    for name, data in documents:
        yield tar.outer_header(name, len(data), 0) + data + tar.padding(len(data))
    yield tar.END
