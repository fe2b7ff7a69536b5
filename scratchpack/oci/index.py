"""A release: images under their names, an index over several platforms, and the index.json that a layout starts with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scratchpack.errors import UsageError
from scratchpack.oci import reference as names
from scratchpack.oci.digest import blob_path, canonical_json, memory_blob
from scratchpack.oci.image import describe
from scratchpack.oci.model import MEDIA_INDEX, Release

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scratchpack.elf.machines import Platform
    from scratchpack.oci.model import Blob, Image, Referrer

IMAGE_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'


def make_release(
    images: Sequence[Image],
    references: Sequence[str],
    *,
    index_annotations: Mapping[str, str] | None = None,
    referrers: Sequence[Referrer] = (),
) -> Release:
    """Put images under their names; several platforms go under one index (I5), in the order given.

    Raises:
        UsageError: no image, two of one platform, or a reference that no engine takes (I2).
    """
    platforms = [image.platform for image in images]
    twice = {str(platform) for platform in platforms if platforms.count(platform) > 1}
    if twice or not images:
        raise UsageError(
            f"cannot put two images of {', '.join(sorted(twice))} under one index"
            if twice
            else "cannot make a release of no image",
            hint="programs of one platform go into one image; --each makes an image of each",
        )
    full = tuple(dict.fromkeys(str(names.parse(reference)) for reference in references))
    return Release(
        images=tuple(images),
        references=full,
        index_blob=_index(images, index_annotations or {}) if len(images) > 1 else None,
        referrers=tuple(referrers),
        annotations=dict(index_annotations or {}),
    )


def _index(images: Sequence[Image], annotations: Mapping[str, str]) -> Blob:
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MEDIA_INDEX,
        "manifests": [{**describe(image.manifest_blob), "platform": platform_json(image.platform)} for image in images],
    }
    if annotations:
        document["annotations"] = dict(annotations)
    return memory_blob(MEDIA_INDEX, canonical_json(document, what="image index"))


def platform_json(platform: Platform) -> dict[str, str]:
    """An OCI platform object."""
    document = {"architecture": platform.architecture, "os": platform.os}
    return {**document, "variant": platform.variant} if platform.variant else document


def layout_index(release: Release, others: Sequence[dict[str, Any]] = ()) -> bytes:
    """The layout's index.json: a descriptor a name, all with the release's one digest (I3, I4), after ``others``."""
    return canonical_json(
        {"schemaVersion": 2, "mediaType": MEDIA_INDEX, "manifests": [*others, *_entries(release)]}, what="index.json"
    )


def _entries(release: Release) -> Iterator[dict[str, Any]]:
    top = describe(release.top)
    if release.index_blob is None:
        top["platform"] = platform_json(release.images[0].platform)
    for reference in release.references:
        parsed = names.parse(reference)
        tag = parsed.tag or parsed.digest
        yield {**top, "annotations": {IMAGE_NAME: reference, REF_NAME: tag}}
    if not release.references:
        yield top
    for referrer in release.referrers:
        yield {**describe(referrer.manifest_blob), "artifactType": referrer.artifact_type}


def docker_manifest(release: Release) -> bytes:
    """Docker's manifest.json: the first platform (I5) under all names, its paths literal (I1)."""
    image = release.images[0]
    entry = {
        "Config": blob_path(image.config_blob.digest),
        # spelled out: podman reads this file where there are several descriptors, and makes localhost/x of a short x (seen)
        "RepoTags": [reference for reference in release.references if names.parse(reference).tag],
        "Layers": [blob_path(layer.blob.digest) for layer in image.layers],
    }
    return canonical_json([entry], what="manifest.json")


def blobs(release: Release) -> Iterator[Blob]:
    """Every blob of the release once: what is named comes before what names it."""
    seen: set[str] = set()
    for blob in _all_blobs(release):
        if blob.digest not in seen:
            seen.add(blob.digest)
            yield blob


def _all_blobs(release: Release) -> Iterator[Blob]:
    for image in release.images:
        for layer in image.layers:
            yield layer.blob
        yield image.config_blob
        yield image.manifest_blob
    if release.index_blob is not None:
        yield release.index_blob
    for referrer in release.referrers:
        yield from referrer.blobs
        yield referrer.config_blob
        yield referrer.manifest_blob
