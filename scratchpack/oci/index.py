"""A release: images go in, with their names; out come the index over several platforms and the documents that a layout starts with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scratchpack.errors import UsageError
from scratchpack.oci import reference as names
from scratchpack.oci.digest import blob_path, canonical_json, memory_blob
from scratchpack.oci.image import describe
from scratchpack.oci.model import MEDIA_INDEX, Release, Tagged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scratchpack.elf.machines import Platform
    from scratchpack.oci.model import Blob, Image, Referrer

IMAGE_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
DIRECTORIES = ("blobs/", "blobs/sha256/")  # members of every archive, before what is in them (I20)


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
    tagged = Tagged(
        images=tuple(images),
        references=full,
        index_blob=_index(images, index_annotations or {}) if len(images) > 1 else None,
        referrers=tuple(referrers),
        annotations=dict(index_annotations or {}),
    )
    return Release((tagged,))


def fleet(releases: Sequence[Release]) -> Release:
    """Releases that leave together, each under its own names; the same image twice is one under all of its names (I4).

    Raises:
        UsageError: two different images of one name.
    """
    owners: dict[str, Tagged] = {}
    together: dict[str, Tagged] = {}
    for tagged in (tagged for release in releases for tagged in release.tagged):
        for reference in tagged.references:
            if (other := owners.setdefault(reference, tagged)).top.digest != tagged.top.digest:
                raise UsageError(
                    f"cannot give two images the name {reference}: {_shown(other)} and {_shown(tagged)}",
                    hint="give each its own, for example with {name} in --tag",
                )
        old = together.get(tagged.top.digest)
        together[tagged.top.digest] = tagged if old is None else _both(old, tagged)
    return Release(tuple(together.values()))


def _both(one: Tagged, other: Tagged) -> Tagged:
    known = {referrer.manifest_blob.digest for referrer in one.referrers}
    return one._replace(
        references=tuple(dict.fromkeys(one.references + other.references)),
        referrers=one.referrers
        + tuple(referrer for referrer in other.referrers if referrer.manifest_blob.digest not in known),
    )


def _shown(tagged: Tagged) -> str:
    config = tagged.images[0].config
    return " ".join((*config.entrypoint, *config.cmd)) or str(config.platform)


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
    """The layout's index.json: a descriptor a name, those of one image with its one digest (I3, I4), after ``others``."""
    entries = [entry for tagged in release.tagged for entry in _entries(tagged)]
    return canonical_json(
        {"schemaVersion": 2, "mediaType": MEDIA_INDEX, "manifests": [*others, *entries]}, what="index.json"
    )


def _entries(tagged: Tagged) -> Iterator[dict[str, Any]]:
    top = describe(tagged.top)
    if tagged.index_blob is None:
        top["platform"] = platform_json(tagged.images[0].platform)
    for reference in tagged.references:
        parsed = names.parse(reference)
        tag = parsed.tag or parsed.digest
        yield {**top, "annotations": {IMAGE_NAME: reference, REF_NAME: tag}}
    if not tagged.references:
        yield top
    for referrer in tagged.referrers:
        yield {**describe(referrer.manifest_blob), "artifactType": referrer.artifact_type}


def docker_manifest(release: Release) -> bytes:
    """Docker's manifest.json: of each image the first platform (I5) under all of its names, its paths literal (I1)."""
    return canonical_json([_docker_entry(tagged) for tagged in release.tagged], what="manifest.json")


def _docker_entry(tagged: Tagged) -> dict[str, Any]:
    image = tagged.images[0]
    return {
        "Config": blob_path(image.config_blob.digest),
        # spelled out: podman reads this file where there are several descriptors, and makes localhost/x of a short x (seen)
        "RepoTags": [reference for reference in tagged.references if names.parse(reference).tag],
        "Layers": [blob_path(layer.blob.digest) for layer in image.layers],
    }


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
    for tagged in release.tagged:
        if tagged.index_blob is not None:
            yield tagged.index_blob
    for referrer in release.referrers:
        yield from referrer.blobs
        yield referrer.config_blob
        yield referrer.manifest_blob
