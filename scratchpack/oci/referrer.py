"""An artifact about an image: an OCI 1.1 manifest with a ``subject`` and the empty config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scratchpack.oci.digest import canonical_json, memory_blob
from scratchpack.oci.image import describe
from scratchpack.oci.model import MEDIA_EMPTY, MEDIA_MANIFEST, Referrer

if TYPE_CHECKING:
    from scratchpack.oci.model import Blob

_EMPTY = b"{}"
_TITLE = "org.opencontainers.image.title"


def make_referrer(subject: Blob, media_type: str, data: bytes, title: str) -> Referrer:
    """One document about ``subject`` (a manifest or an index); ``title`` is the file name that tools give it."""
    config, blob = memory_blob(MEDIA_EMPTY, _EMPTY), memory_blob(media_type, data)
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MEDIA_MANIFEST,
        "artifactType": media_type,
        "config": describe(config),
        "layers": [describe(blob, [(_TITLE, title)])],
        "subject": describe(subject),
    }
    stored = memory_blob(MEDIA_MANIFEST, canonical_json(manifest, what="artifact manifest"))
    return Referrer(media_type, stored, config, (blob,), subject.digest)
