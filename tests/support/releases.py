"""Releases made by hand for what happens to a release after it is built: pushed, loaded, written."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

from scratchpack.elf.machines import Platform
from scratchpack.oci.model import (
    MEDIA_CONFIG,
    MEDIA_EMPTY,
    MEDIA_INDEX,
    MEDIA_LAYER,
    MEDIA_MANIFEST,
    Blob,
    Image,
    ImageConfig,
    Layer,
    Referrer,
    Release,
    Tagged,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64", "v8")


def blob(media_type: str, data: bytes) -> Blob:
    """Bytes as a blob."""
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    return Blob(media_type, digest, len(data), lambda: io.BytesIO(data))


def layer(**files: bytes) -> Layer:
    """A gzip layer of regular files (programs: mode 0755)."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            archive.addfile(entry, io.BytesIO(data))
    diff_id = "sha256:" + hashlib.sha256(raw.getvalue()).hexdigest()
    return Layer(blob(MEDIA_LAYER + "+gzip", gzip.compress(raw.getvalue(), 1, mtime=0)), diff_id, len(raw.getvalue()))


def describe(one: Blob) -> dict[str, Any]:
    """A descriptor as it stands in a document."""
    return {"mediaType": one.media_type, "digest": one.digest, "size": one.size}


def named(platform: Platform) -> dict[str, str]:
    """A platform as documents say it."""
    return {name: value for name, value in platform._asdict().items() if value}


def document(media_type: str, content: dict[str, Any]) -> Blob:
    """A JSON document as a blob."""
    return blob(media_type, json.dumps(content, sort_keys=True).encode())


def image(layers: Sequence[Layer], platform: Platform = AMD64, entrypoint: str = "/hello") -> Image:
    """An image of these layers."""
    config = document(
        MEDIA_CONFIG,
        {
            **named(platform),
            "config": {"Entrypoint": [entrypoint]},
            "rootfs": {"type": "layers", "diff_ids": [one.diff_id for one in layers]},
        },
    )
    manifest = document(
        MEDIA_MANIFEST,
        {
            "schemaVersion": 2,
            "mediaType": MEDIA_MANIFEST,
            "config": describe(config),
            "layers": [describe(one.blob) for one in layers],
        },
    )
    return Image(ImageConfig(platform, (entrypoint,)), tuple(layers), config, manifest)


def release(*images: Image, sbom: bytes | None = None, names: Sequence[str] = ()) -> Release:
    """These images, several under an index; with an SBOM that refers to what the tag will point at."""
    index = None
    if len(images) > 1:
        entries = [
            {
                **describe(one.manifest_blob),
                "platform": named(one.platform),
            }
            for one in images
        ]
        index = document(MEDIA_INDEX, {"schemaVersion": 2, "mediaType": MEDIA_INDEX, "manifests": entries})
    made = Tagged(images, tuple(names), index)
    if sbom is None:
        return Release((made,))
    return Release((made._replace(referrers=(referrer(made.top, sbom),)),))


def referrer(subject: Blob, text: bytes) -> Referrer:
    """An SBOM that names its subject."""
    kind = "application/spdx+json"
    content, empty = blob(kind, text), blob(MEDIA_EMPTY, b"{}")
    manifest = document(
        MEDIA_MANIFEST,
        {
            "schemaVersion": 2,
            "mediaType": MEDIA_MANIFEST,
            "artifactType": kind,
            "config": describe(empty),
            "layers": [describe(content)],
            "subject": describe(subject),
            "annotations": {"org.example.about": "test"},
        },
    )
    return Referrer(kind, manifest, empty, (content,), subject.digest)


def small() -> Release:
    """One image of two layers."""
    return release(image([layer(hello=b"#!/bin/true\n"), layer(data=b"some data")]))
