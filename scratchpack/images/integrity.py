"""An image's bytes against what is claimed of them: a store goes in; every mismatch, and what was not looked at, comes out (I9, I23).

Whoever wrote the image: each blob has the digest and size that a descriptor gives it, each layer is a whole tar whose hash is the
diff_id in the config, the documents are of the form they say and fit together. What is only unlike scratchpack's own images is the
matter of :mod:`scratchpack.images.house`.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from scratchpack import foreign
from scratchpack.errors import InputError
from scratchpack.images.layercheck import CheckedLayer, check_layer
from scratchpack.oci.config import is_rfc3339
from scratchpack.oci.digest import blob_path
from scratchpack.oci.media import CONFIGS, INDEXES, LAYERS, MANIFESTS
from scratchpack.oci.reference import is_digest
from scratchpack.oci.source import MAX_DEPTH, is_attestation
from scratchpack.oci.unpack import PIECE

if TYPE_CHECKING:
    from scratchpack.foreign import Value
    from scratchpack.oci.budget import UnpackBudget
    from scratchpack.oci.store import Store

_NAMED_BY_DIGEST = re.compile(r"(?:blobs/sha256/)?([0-9a-f]{64})(?:\.json)?")
_PLATFORM = ("architecture", "os", "variant")


class Issue(NamedTuple):
    """One thing that is not as it should be."""

    rule: str  # of the image rules: "I9"
    where: str  # a file of the output, or a layer of it
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} ({self.rule})"


class CheckedImage(NamedTuple):
    """One image of the store, with everything that was read of it."""

    config: Value
    path: str  # of the config
    layers: tuple[tuple[str, CheckedLayer | None], ...]  # path and what it is, lowest first; None: it could not be read
    manifest: str | None  # path of the manifest; None where Docker's manifest.json alone names it


class Survey(NamedTuple):
    """Everything that was found on one walk through an image, an archive or a layout."""

    issues: tuple[Issue, ...]
    unchecked: tuple[str, ...]  # one line for each thing that was left out, and why
    images: tuple[CheckedImage, ...]
    documents: tuple[tuple[str, Value], ...]  # indexes and manifests by path, in the order of the walk
    blobs: int  # whose digests were computed


def survey(store: Store, budget: UnpackBudget) -> Survey:
    """Read everything that the store's entry points lead to.

    Raises:
        InputError: it is no image at all.
        RemoteError, OutputError: what the store raises.
    """
    walk = _Walk(store, budget)
    walk.run()
    issues = tuple(dict.fromkeys(walk.issues))
    return Survey(
        issues, tuple(dict.fromkeys(walk.unchecked)), tuple(walk.images), tuple(walk.documents), len(walk.good)
    )


class _Walk:
    def __init__(self, store: Store, budget: UnpackBudget) -> None:
        self._store, self._budget = store, budget
        self.issues: list[Issue] = []
        self.unchecked: list[str] = []
        self.images: list[CheckedImage] = []
        self.documents: list[tuple[str, Value]] = []
        self.good: dict[tuple[str, int], bool] = {}  # digest and size: whether the bytes are what they say
        self._followed: set[str] = set()
        self._layers: dict[str, CheckedLayer | None] = {}
        self._configs: set[str] = set()

    def run(self) -> None:
        """Start from every entry point that there is."""
        store = self._store
        for name in store.repeated:
            self._say("I10", name, "twice in the archive")
        oci, docker = store.size("index.json") is not None, store.size("manifest.json") is not None
        if not oci and not docker:
            raise InputError(
                f"cannot check {store.name}: it has neither index.json nor manifest.json, so it is no image",
                hint="name an archive of `docker save`, `podman save` or scratchpack, or a layout directory",
            )
        try:
            if oci:
                self._layout()
            if docker:
                self._docker(oci=oci)
        except InputError as error:  # the budget is spent
            self._say("S4", store.name, error.message)

    def _say(self, rule: str, where: str, what: str) -> None:
        self.issues.append(Issue(rule, where, what))

    def _document(self, path: str) -> Value | None:
        try:
            return foreign.json_document(self._store.document(path), _DamagedError)
        except InputError as error:
            self._say("I9", path, f"not readable: {error.message}")
            return None

    def _layout(self) -> None:
        if (version := self._document("oci-layout")) is not None:
            with self._fields("oci-layout"):
                if version["imageLayoutVersion"].text() != "1.0.0":
                    self._say("I9", "oci-layout", "imageLayoutVersion is not 1.0.0")
        if (top := self._document("index.json")) is not None:
            self._index("index.json", top, 0)

    def _fields(self, where: str) -> _Fields:
        return _Fields(self.issues, where)

    def _index(self, where: str, index: Value, depth: int) -> None:
        self.documents.append((where, index))
        with self._fields(where):
            if index["schemaVersion"].number() != 2:
                self._say("I14", where, "schemaVersion is not 2")
            descriptors = list(index["manifests"].items())
            lost = 0
            for descriptor in descriptors:
                self._budget.document()
                with self._fields(where):
                    lost += not self._follow(where, descriptor, depth)
            if lost and lost == len(descriptors):
                self._say("I9", where, "nothing that it names is there")
            elif lost:
                self.unchecked.append(f"{where}: {lost} of the {len(descriptors)} manifests that it names are not here")

    def _follow(self, where: str, descriptor: Value, depth: int) -> bool:
        """Check what an index names; ``False`` where it is not here, as in an archive of some platforms of many."""
        kind, digest = descriptor.get("mediaType").text(), descriptor["digest"].text()
        if is_digest(digest) and self._store.size(blob_path(digest)) is None:
            return False
        if not self._blob(where, descriptor) or digest in self._followed:
            return True
        self._followed.add(digest)
        path = blob_path(digest)
        if kind in INDEXES or kind in MANIFESTS:
            document = self._document(path)
            if document is None:
                return True
            if document.get("mediaType").text() not in {"", kind}:
                self._say("I14", path, f"says that it is {document['mediaType'].text()!r}, and {where} says {kind!r}")
            if kind in MANIFESTS:
                self._manifest(path, document, descriptor)
            elif depth >= MAX_DEPTH:
                self._say("S22", path, f"indexes nested over {MAX_DEPTH} deep")
            else:
                self._index(path, document, depth + 1)
        else:
            self.unchecked.append(f"{path}: of media type {kind!r}; its digest was checked, not what it says")
        return True

    def _blob(self, where: str, descriptor: Value) -> bool:
        """Whether the bytes behind a descriptor are the ones it names."""
        digest, size = descriptor["digest"].text(), descriptor["size"].number()
        if digest.startswith("sha512:"):
            self.unchecked.append(f"{where}: {digest[:20]}… is no sha256 digest")
            return False
        if not is_digest(digest):
            self._say("I9", where, f"a descriptor without a sha256 digest: {digest[:80]!a}")
            return False
        if (digest, size) not in self.good:
            self.good[digest, size] = self._hash(where, blob_path(digest), digest, size)
        return self.good[digest, size]

    def _hash(self, where: str, path: str, digest: str, size: int) -> bool:
        stored = self._store.size(path)
        if stored is None:
            self._say("I9", where, f"{path} is not there")
            return False
        if stored != size:
            self._say("I9", where, f"{path} has {stored} bytes, and its descriptor says {size}")
            return False
        hashed = hashlib.sha256()
        with self._store.open(path) as stream:
            while piece := stream.read(PIECE):
                hashed.update(piece)
        if "sha256:" + hashed.hexdigest() != digest:
            self._say("I9", path, f"another digest: sha256:{hashed.hexdigest()}")
            return False
        return True

    def _manifest(self, path: str, document: Value, descriptor: Value) -> None:
        self.documents.append((path, document))
        if document["schemaVersion"].number() != 2:
            self._say("I14", path, "schemaVersion is not 2")
        config = document["config"]
        whole = self._blob(path, config)
        is_image = config["mediaType"].text() in CONFIGS
        layers: list[tuple[str, CheckedLayer | None]] = []
        for layer in document["layers"].items():
            self._budget.document()
            kind, digest = layer["mediaType"].text(), layer["digest"].text()
            if layer.get("urls").texts() and is_digest(digest) and self._store.size(blob_path(digest)) is None:
                self.unchecked.append(f"{path}: the layer {digest} is kept elsewhere, and is not here")
                layers.append((digest, None))
                continue
            good = self._blob(path, layer)
            if is_image and kind not in LAYERS:
                self.unchecked.append(f"{path}: {digest}, of media type {kind!r}, is no layer that engines unpack")
            layers.append(
                (blob_path(digest), self._layer(blob_path(digest), kind))
                if is_image and kind in LAYERS and (good or self._is_there(digest))
                else (digest, None)
            )
        if not is_image:
            self.unchecked.append(f"{path}: no image, but {config['mediaType'].text()!r}; its digests were checked")
        elif whole:
            self._config(blob_path(config["digest"].text()), layers, path, descriptor.get("platform"))

    def _is_there(self, digest: str) -> bool:
        """Whether a blob that is not what it should be can be read at all."""
        return is_digest(digest) and self._store.size(blob_path(digest)) is not None

    def _layer(self, path: str, kind: str | None) -> CheckedLayer | None:
        if path not in self._layers:
            self._layers[path] = None
            size = self._store.size(path)
            with self._store.open(path) as stream:
                found = check_layer(stream, size or 0, self._budget, what=path)
            for rule, what in found.broken:
                self._say(rule, path, what)
            self._layers[path] = found
        checked = self._layers[path]
        if checked is not None and kind is not None and checked.compression != LAYERS[kind]:
            self._say("I14", path, f"is {checked.compression or 'not compressed'}, and its media type is {kind}")
        return checked

    def _config(
        self, path: str, layers: list[tuple[str, CheckedLayer | None]], manifest: str | None, platform: Value | None
    ) -> None:
        config = self._document(path)
        if config is None:
            return
        self._configs.add(path)
        with self._fields(path):
            self._platform(path, config, platform)
            if "created" in config.raw and not is_rfc3339(config.raw["created"]):
                self._say("I7", path, f"created is {config.raw['created']!r}, which is no time of RFC 3339")
            history = list(config.get("history").items())
            real = [entry for entry in history if not entry.get("empty_layer").flag()]
            if history and len(real) != len(layers):
                self._say("I8", path, f"{len(real)} entries of history with a layer, and {len(layers)} layers")
            rootfs = config["rootfs"]
            if rootfs["type"].text() != "layers":
                self._say("I6", path, "rootfs is not of type layers")
            diff_ids = rootfs.get("diff_ids").texts()
            if len(diff_ids) != len(layers):
                self._say("I1", path, f"{len(diff_ids)} diff_ids, and {len(layers)} layers")
            for diff_id, (name, seen) in zip(diff_ids, layers, strict=False):
                if seen is not None and seen.diff_id not in {None, diff_id}:
                    self._say("I9", path, f"diff_id {diff_id[:80]!r} is not that of {name}, {seen.diff_id}")
            if not self._is_beside(config):
                self.images.append(CheckedImage(config, path, tuple(layers), manifest))

    def _is_beside(self, config: Value) -> bool:
        """Whether this is BuildKit's statement about an image, which has the shape of one."""
        return is_attestation({"platform": config.raw})

    def _platform(self, path: str, config: Value, claimed: Value | None) -> None:
        for field in ("architecture", "os"):
            if not config.get(field).text():
                self._say("I6", path, f"{field} is missing")
        if claimed is None or claimed.absent:
            return
        for field in _PLATFORM:
            own, other = config.get(field).text(), claimed.get(field).text()
            # many images of ARM leave the variant to the index
            if own != other and not (field == "variant" and not (own and other)):
                self._say("I6", path, f"{field} is {own!r}, and its index says {other!r}")

    def _docker(self, *, oci: bool) -> None:
        entries = self._document("manifest.json")
        if entries is None:
            return
        self.documents.append(("manifest.json", entries))
        with self._fields("manifest.json"):
            for entry in entries.items():
                self._budget.document()
                with self._fields("manifest.json"):
                    self._entry(entry, oci=oci)

    def _entry(self, entry: Value, *, oci: bool) -> None:
        config = posixpath.normpath(entry["Config"].text())
        layers = [posixpath.normpath(name) for name in entry["Layers"].texts()]
        lost = [name for name in (config, *layers) if self._store.size(name) is None]
        for name in lost:
            self._say("I1", "manifest.json", f"{name!r} is not there")
        if lost or config in self._configs:
            return
        if oci:
            self._say("I1", "manifest.json", f"{config} is no config of an image in index.json")
        for name in (config, *layers):
            self._named(name)
        self._config(config, [(name, self._layer(name, None)) for name in layers], None, None)

    def _named(self, path: str) -> None:
        """Hold a file that is named by a digest against it: docker's ``<hex>.json``, and the blobs of a layout."""
        found = _NAMED_BY_DIGEST.fullmatch(path)
        if found is None:
            return
        digest, size = f"sha256:{found[1]}", self._store.size(path) or 0
        if (digest, size) not in self.good:
            self.good[digest, size] = self._hash("manifest.json", path, digest, size)


class _DamagedError(InputError):
    """A document is not JSON, or a field of it not of its kind."""


class _Fields:
    """What is read inside is foreign: a field of another kind is one more issue, and the walk goes on behind the ``with``."""

    def __init__(self, issues: list[Issue], where: str) -> None:
        self._issues, self._where = issues, where

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> bool:
        if not isinstance(error, _DamagedError):
            return False
        self._issues.append(Issue("I9", self._where, error.message))
        return True
