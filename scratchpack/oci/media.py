"""Media types of images, ours and Docker's, in one table: what stands in a descriptor, and what its bytes then are."""

from __future__ import annotations

from scratchpack.oci.model import MEDIA_CONFIG, MEDIA_INDEX, MEDIA_LAYER, MEDIA_MANIFEST

_DOCKER = "application/vnd.docker."
_UNSHIPPED = "application/vnd.oci.image.layer.nondistributable.v1.tar"

INDEXES = frozenset({MEDIA_INDEX, f"{_DOCKER}distribution.manifest.list.v2+json"})
MANIFESTS = frozenset({MEDIA_MANIFEST, f"{_DOCKER}distribution.manifest.v2+json"})
CONFIGS = frozenset({MEDIA_CONFIG, f"{_DOCKER}container.image.v1+json"})

LAYERS: dict[str, str | None] = {  # to the compression of the bytes
    **{
        f"{base}{end}": kind
        for base in (MEDIA_LAYER, _UNSHIPPED)
        for end, kind in (("", None), ("+gzip", "gzip"), ("+zstd", "zstd"))
    },
    f"{_DOCKER}image.rootfs.diff.tar": None,
    f"{_DOCKER}image.rootfs.diff.tar.gzip": "gzip",
    f"{_DOCKER}image.rootfs.diff.tar.zstd": "zstd",
    f"{_DOCKER}image.rootfs.foreign.diff.tar": None,
    f"{_DOCKER}image.rootfs.foreign.diff.tar.gzip": "gzip",
}
