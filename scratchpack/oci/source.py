"""Images read from an archive, a layout or a registry: what platforms, under what names, and openers of their layers.

Takes what ``scratchpack`` writes, OCI layouts and archives, and what ``docker save`` writes, old and new. One damaged image does not
hide the others: :func:`find_images` gives those that can be read, and what is wrong with the rest.
"""

from __future__ import annotations

import posixpath
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from scratchpack import foreign
from scratchpack.elf.machines import Platform
from scratchpack.errors import InputError
from scratchpack.oci.budget import UnpackBudget
from scratchpack.oci.digest import blob_path, sha256
from scratchpack.oci.index import IMAGE_NAME, REF_NAME
from scratchpack.oci.media import CONFIGS, INDEXES, MANIFESTS
from scratchpack.oci.model import MEDIA_LAYER, Blob
from scratchpack.oci.reference import is_digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from scratchpack.foreign import Value
    from scratchpack.oci.store import Store

MAX_DEPTH = 3


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


class Images(NamedTuple):
    """What a store holds. ``faults`` are those of images that cannot be read, one line each."""

    found: tuple[StoredImage, ...]
    faults: tuple[str, ...]


def read_images(store: Store) -> tuple[StoredImage, ...]:
    """Every image of the store. Digests are claims here; :func:`scratchpack.images.integrity.survey` recomputes them.

    Raises:
        InputError: not an image, or one whose documents do not fit together.
    """
    images = find_images(store)
    if images.faults:
        raise InputError(f"cannot read the image {store.name}: {images.faults[0]}", details=images.faults[1:])
    if not images.found:
        raise InputError(f"cannot read the image {store.name}: it holds no image")
    return images.found


def find_images(store: Store) -> Images:
    """Every image that can be read, and the faults of the others.

    Raises:
        InputError: it is no image at all.
    """
    reading = _Reading(store)
    if store.size("index.json") is not None:
        reading.run("index.json", lambda: reading.index(reading.document("index.json"), (), 0))
    if not reading.found and store.size("manifest.json") is not None:
        reading.run("manifest.json", lambda: reading.docker(reading.document("manifest.json")))
    elif store.size("index.json") is None:
        raise InputError(
            f"cannot read the image {store.name}: it has neither index.json nor manifest.json",
            hint="name an archive of `docker save`, `podman save` or scratchpack, or a layout directory",
        )
    return Images(_together(tuple(reading.found)), tuple(dict.fromkeys(reading.faults)))


class _Reading:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._budget = UnpackBudget(store.name)
        self._followed: set[tuple[str, tuple[str, ...]]] = set()
        self.found: list[StoredImage] = []
        self.faults: list[str] = []

    def run(self, where: str, read: Callable[[], None]) -> None:
        """Read one thing; its fault does not end the run."""
        try:
            read()
        except InputError as error:
            self.faults.append(f"{where}: {error.message}")

    def document(self, path: str) -> Value:
        """A JSON document of the store."""
        return foreign.json_document(self._store.document(path), InputError)

    def index(self, index: Value, names: tuple[str, ...], depth: int) -> None:
        """What an index names: images, and further indexes."""
        if depth > MAX_DEPTH:
            raise InputError(f"indexes nested over {MAX_DEPTH} deep")
        for descriptor in index["manifests"].items():
            self._budget.document()
            self.run(descriptor.place, partial(self._named, descriptor, names, depth))

    def _named(self, descriptor: Value, names: tuple[str, ...], depth: int) -> None:
        if descriptor.get("artifactType").text() or is_attestation(descriptor.raw):
            return
        own = _names(descriptor) or names
        digest, kind = descriptor["digest"].text(), descriptor["mediaType"].text()
        path = blob_path(digest)
        if (digest, own) in self._followed or self._store.size(
            path
        ) is None:  # an archive may hold some platforms of many
            return
        self._followed.add((digest, own))
        if kind in INDEXES:
            self.index(self.document(path), own, depth + 1)
        elif kind in MANIFESTS:
            self._manifest(self.document(path), digest, own)

    def _manifest(self, manifest: Value, digest: str, names: tuple[str, ...]) -> None:
        if manifest["config"]["mediaType"].text() not in CONFIGS:
            return  # an artifact: a chart, a list of materials
        config = self.document(blob_path(manifest["config"]["digest"].text()))
        if is_attestation({"platform": config.raw}):
            return
        layers = tuple(self._blob(layer) for layer in manifest["layers"].items())
        self.found.append(StoredImage(names, digest, _platform(config), _checked(config, layers), layers))

    def _blob(self, descriptor: Value) -> Blob:
        digest, store = descriptor["digest"].text(), self._store
        path = blob_path(digest)
        return Blob(descriptor["mediaType"].text(), digest, descriptor["size"].number(), lambda: store.open(path))

    def docker(self, entries: Value) -> None:
        """The images of a manifest.json of `docker save`."""
        for entry in entries.items():
            self._budget.document()
            self.run(entry.place, partial(self._entry, entry))

    def _entry(self, entry: Value) -> None:
        data = self._store.document(posixpath.normpath(entry["Config"].text()))
        config = foreign.json_document(data, InputError)
        names = [posixpath.normpath(name) for name in entry["Layers"].texts()]
        diff_ids = config["rootfs"].get("diff_ids").texts()
        layers = tuple(self._layer(name, diff_id) for name, diff_id in zip(names, diff_ids, strict=False))
        if len(names) != len(layers):
            raise InputError(f"{len(names)} layers, and {len(diff_ids)} diff_ids")
        self.found.append(
            StoredImage(
                entry.get("RepoTags").texts(), sha256(data), _platform(config), _checked(config, layers), layers
            )
        )

    def _layer(self, name: str, diff_id: str) -> Blob:
        size, store = self._store.size(name), self._store
        if size is None:
            raise store.missing(name)
        return Blob(MEDIA_LAYER, diff_id, size, lambda: store.open(name))


def is_attestation(descriptor: Any) -> bool:
    """Whether BuildKit put this beside an image: it has the shape of a manifest and platform unknown/unknown."""
    platform = descriptor.get("platform") if isinstance(descriptor, dict) else None
    return isinstance(platform, dict) and platform.get("os") == platform.get("architecture") == "unknown"


def _names(descriptor: Value) -> tuple[str, ...]:
    annotations = descriptor.get("annotations")
    name = annotations.get(IMAGE_NAME).text() or annotations.get(REF_NAME).text()
    return (name,) if name else ()


def _platform(config: Value) -> Platform:
    return Platform(config["os"].text(), config["architecture"].text(), config.get("variant").text())


def _checked(config: Value, layers: tuple[Blob, ...]) -> dict[str, Any]:
    diff_ids = config["rootfs"].get("diff_ids").texts()
    if len(diff_ids) != len(layers) or not all(is_digest(diff_id) for diff_id in diff_ids):
        raise InputError(f"{len(layers)} layers, and {len(diff_ids)} diff_ids")
    document: dict[str, Any] = config.raw
    return document


def _together(found: tuple[StoredImage, ...]) -> tuple[StoredImage, ...]:
    """One image under several names is one."""
    table: dict[tuple[str, Platform], StoredImage] = {}
    for image in found:
        old = table.get((image.digest, image.platform))
        names = image.references if old is None else tuple(dict.fromkeys(old.references + image.references))
        table[image.digest, image.platform] = image._replace(references=names)
    return tuple(table.values())
