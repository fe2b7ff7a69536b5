"""Images read from an archive or a layout directory: what platforms, under what names, and openers of their layers.

Takes what ``scratchpack`` writes, OCI layouts and archives, and what ``docker save`` writes, old and new.
"""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Any, NamedTuple

from scratchpack.elf.machines import Platform
from scratchpack.errors import InputError
from scratchpack.oci.digest import blob_path, sha256
from scratchpack.oci.index import IMAGE_NAME, REF_NAME
from scratchpack.oci.model import MEDIA_LAYER, Blob
from scratchpack.oci.reference import is_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.oci.store import Store

INDEXES = frozenset(
    {"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}
)
MANIFESTS = frozenset(
    {"application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"}
)
MAX_DEPTH, MAX_DESCRIPTORS = 3, 4096


class StoredImage(NamedTuple):
    """One platform's image at rest."""

    references: tuple[str, ...]
    digest: str  # of the manifest; of the config where there is only Docker's manifest.json
    platform: Platform
    config: dict[str, Any]  # the whole config document
    layers: tuple[Blob, ...]  # lowest first, compressed as they are stored

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """What the config says of the uncompressed layers."""
        return tuple(self.config["rootfs"]["diff_ids"])


def read_images(store: Store) -> tuple[StoredImage, ...]:
    """Every image of the store. Digests are claims here; :func:`scratchpack.oci.validate.validate` recomputes them.

    Raises:
        InputError: not an image, or one whose documents do not fit together.
    """
    try:
        if store.size("index.json") is not None:
            found = tuple(_oci(store, _json(store, "index.json"), (), 0))
        elif store.size("manifest.json") is not None:
            found = tuple(_docker(store, entry) for entry in _json(store, "manifest.json"))
        else:
            raise InputError(
                f"cannot read the image {store.name}: it has neither index.json nor manifest.json",
                hint="name an archive of `docker save`, `podman save` or scratchpack, or a layout directory",
            )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"cannot read the image {store.name}: its documents are damaged ({error})") from error
    if not found:
        raise InputError(f"cannot read the image {store.name}: it holds no image")
    return _together(found)


def _json(store: Store, path: str) -> Any:
    return json.loads(store.document(path))


def _oci(store: Store, index: dict[str, Any], names: tuple[str, ...], depth: int) -> Iterator[StoredImage]:
    manifests = index["manifests"]
    if depth > MAX_DEPTH or len(manifests) > MAX_DESCRIPTORS:
        raise ValueError("indexes nested too deep, or too long")
    for descriptor in manifests:
        own = _names(descriptor) or names
        if descriptor.get("artifactType") or is_attestation(descriptor):
            continue
        document = _json(store, blob_path(descriptor["digest"]))
        if descriptor["mediaType"] in INDEXES:
            yield from _oci(store, document, own, depth + 1)
        elif descriptor["mediaType"] in MANIFESTS and "layers" in document:
            config = _json(store, blob_path(document["config"]["digest"]))
            if "rootfs" in config:
                layers = tuple(_blob(store, layer) for layer in document["layers"])
                yield StoredImage(own, descriptor["digest"], platform_of(config), _checked(config, layers), layers)


def is_attestation(descriptor: dict[str, Any]) -> bool:
    """Whether BuildKit put this beside an image: it has the shape of a manifest and platform unknown/unknown."""
    platform = descriptor.get("platform")
    return isinstance(platform, dict) and platform.get("os") == platform.get("architecture") == "unknown"


def _names(descriptor: dict[str, Any]) -> tuple[str, ...]:
    annotations = descriptor.get("annotations") or {}
    name = annotations.get(IMAGE_NAME) or annotations.get(REF_NAME)
    return (name,) if isinstance(name, str) else ()


def _blob(store: Store, descriptor: dict[str, Any]) -> Blob:
    path = blob_path(descriptor["digest"])
    return Blob(descriptor["mediaType"], descriptor["digest"], descriptor["size"], lambda: store.open(path))


def _docker(store: Store, entry: dict[str, Any]) -> StoredImage:
    data = store.document(posixpath.normpath(entry["Config"]))
    config = json.loads(data)
    layers = []
    for path, diff_id in zip(entry["Layers"], config["rootfs"]["diff_ids"], strict=True):
        name = posixpath.normpath(path)
        size = store.size(name)
        if size is None:
            raise store.missing(name)
        layers.append(Blob(MEDIA_LAYER, diff_id, size, lambda name=name: store.open(name)))  # type: ignore[misc]
    return StoredImage(
        tuple(entry.get("RepoTags") or ()),
        sha256(data),
        platform_of(config),
        _checked(config, tuple(layers)),
        tuple(layers),
    )


def platform_of(config: dict[str, Any]) -> Platform:
    """The platform that a config names."""
    return Platform(str(config["os"]), str(config["architecture"]), str(config.get("variant", "")))


def _checked(config: dict[str, Any], layers: tuple[Blob, ...]) -> dict[str, Any]:
    diff_ids = config["rootfs"]["diff_ids"]
    if len(diff_ids) != len(layers) or not all(is_digest(diff_id) for diff_id in diff_ids):
        raise ValueError(f"{len(layers)} layers, and {len(diff_ids)} diff_ids")
    return config


def _together(found: tuple[StoredImage, ...]) -> tuple[StoredImage, ...]:
    """One image under several names is one."""
    table: dict[tuple[str, Platform], StoredImage] = {}
    for image in found:
        old = table.get((image.digest, image.platform))
        names = image.references if old is None else tuple(dict.fromkeys(old.references + image.references))
        table[image.digest, image.platform] = image._replace(references=names)
    return tuple(table.values())
