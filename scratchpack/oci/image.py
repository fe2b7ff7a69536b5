"""One platform's image: the config and the manifest over layers that are built already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scratchpack.errors import InputError
from scratchpack.oci.config import config_json
from scratchpack.oci.digest import canonical_json, memory_blob
from scratchpack.oci.layer import MAX_LAYERS
from scratchpack.oci.model import MEDIA_CONFIG, MEDIA_MANIFEST, Image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scratchpack.oci.model import Blob, ImageConfig, Layer


def make_image(config: ImageConfig, layers: Sequence[Layer], *, annotations: Mapping[str, str] | None = None) -> Image:
    """Describe the layers in a config and a manifest; ``annotations`` are the manifest's.

    Raises:
        InputError: over 125 layers (I12), or a text that is not UTF-8.
        UsageError: a time of creation that engines refuse (I7).
    """
    return _image(config, config_json(config, layers), layers, annotations)


def restated_image(
    config: ImageConfig,
    document: Mapping[str, Any],
    layers: Sequence[Layer],
    *,
    annotations: Mapping[str, str] | None = None,
) -> Image:
    """An image that exists over other layers: ``document`` is its whole config, which already names them.

    Raises:
        InputError: over 125 layers (I12).
    """
    return _image(config, canonical_json(dict(document), what="image config"), layers, annotations)


def _image(
    config: ImageConfig, document: bytes, layers: Sequence[Layer], annotations: Mapping[str, str] | None
) -> Image:
    if len(layers) > MAX_LAYERS:
        raise InputError(f"cannot make an image of {len(layers)} layers: engines stop at {MAX_LAYERS} (I12)")
    config_blob = memory_blob(MEDIA_CONFIG, document)
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MEDIA_MANIFEST,
        "config": describe(config_blob),
        "layers": [describe(layer.blob, layer.annotations) for layer in layers],
    }
    if annotations:
        manifest["annotations"] = dict(annotations)
    blob = memory_blob(MEDIA_MANIFEST, canonical_json(manifest, what="image manifest"))
    return Image(config, tuple(layers), config_blob, blob)


def describe(blob: Blob, annotations: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """The OCI descriptor of a blob, as it stands in a document."""
    document: dict[str, Any] = {"mediaType": blob.media_type, "digest": blob.digest, "size": blob.size}
    if annotations:
        document["annotations"] = dict(annotations)
    return document
