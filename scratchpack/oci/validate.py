"""Everything a finished output says of itself, recomputed (I9): digests, sizes, diff_ids, media types, names, tar rules.

All issues are reported, not the first.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from scratchpack.errors import InputError, UsageError
from scratchpack.oci import reference, tarcheck
from scratchpack.oci.config import is_rfc3339
from scratchpack.oci.digest import blob_path
from scratchpack.oci.index import IMAGE_NAME, REF_NAME
from scratchpack.oci.layer import MAX_LAYERS
from scratchpack.oci.model import MEDIA_INDEX, MEDIA_LAYER, MEDIA_MANIFEST
from scratchpack.oci.reference import is_digest
from scratchpack.oci.source import MAX_DEPTH, MAX_DESCRIPTORS
from scratchpack.oci.unpack import PIECE, compression_of, pieces

if TYPE_CHECKING:
    from scratchpack.oci.store import Store

_LAYERS = {MEDIA_LAYER: None, MEDIA_LAYER + "+gzip": "gzip", MEDIA_LAYER + "+zstd": "zstd"}
_NUMERIC = re.compile(r"\d*(?::\d*)?")


class Issue(NamedTuple):
    """One thing that is not as it should be."""

    rule: str  # of the image rules: "I9"
    where: str  # a file of the output, or a layer of it
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} ({self.rule})"


def validate(store: Store) -> tuple[Issue, ...]:
    """Read the whole output and hold it against the image rules.

    Raises:
        InputError: it is not an image at all.
    """
    check = _Check(store)
    check.run()
    return tuple(dict.fromkeys(check.issues))


class _Check:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.issues: list[Issue] = []
        self._good: dict[str, bool] = {}  # digest: whether its bytes are what it says
        self._layers: dict[str, tarcheck.Seen | None] = {}
        self._configs: set[str] = set()

    def run(self) -> None:
        """Start from every entry point that there is."""
        store = self._store
        if store.compressed:
            self._say("I13", store.name, f"the archive as a whole is compressed with {store.compressed}")
        for name in store.repeated:
            self._say("I10", name, "twice in the archive")
        oci, docker = store.size("index.json") is not None, store.size("manifest.json") is not None
        if not oci and not docker:
            raise InputError(
                f"cannot check {store.name}: it has neither index.json nor manifest.json, so it is no image"
            )
        if oci:
            self._layout()
        if docker:
            self._docker(oci=oci)

    def _say(self, rule: str, where: str, what: str) -> None:
        self.issues.append(Issue(rule, where, what))

    def _json(self, path: str, kind: type) -> Any:
        try:
            document = json.loads(self._store.document(path))
        except (InputError, ValueError, RecursionError) as error:
            self._say("I9", path, f"not readable: {error}")
            return None
        if not isinstance(document, kind):
            self._say("I9", path, f"not a JSON {'object' if kind is dict else 'list'}")
            return None
        return document

    def _layout(self) -> None:
        version = self._json("oci-layout", dict)
        if version is not None and version.get("imageLayoutVersion") != "1.0.0":
            self._say("I9", "oci-layout", "imageLayoutVersion is not 1.0.0")
        top = self._json("index.json", dict)
        if top is None:
            return
        named: dict[str, str] = {}
        for descriptor in self._descriptors("index.json", top):
            notes = descriptor.get("annotations")
            names = notes if isinstance(notes, dict) else {}
            if (IMAGE_NAME in names) != (REF_NAME in names):
                self._say("I3", "index.json", f"only one of {IMAGE_NAME} and {REF_NAME} stands on a descriptor")
            name = names.get(IMAGE_NAME) or names.get(REF_NAME)
            if isinstance(name, str) and named.setdefault(name, str(descriptor.get("digest"))) != descriptor.get(
                "digest"
            ):
                self._say("I5", "index.json", f"{name} stands for several images; platforms belong under one index")
            self._descend("index.json", descriptor, 0)

    def _descriptors(self, where: str, index: dict[str, Any]) -> list[dict[str, Any]]:
        if index.get("schemaVersion") != 2:
            self._say("I14", where, "schemaVersion is not 2")
        if index.get("mediaType", MEDIA_INDEX) != MEDIA_INDEX:
            self._say("I14", where, f"media type {index.get('mediaType')!r}")
        manifests = index.get("manifests")
        if not isinstance(manifests, list) or not all(isinstance(entry, dict) for entry in manifests):
            self._say("I9", where, "manifests is not a list of descriptors")
            return []
        if len(manifests) > MAX_DESCRIPTORS:
            self._say("I9", where, f"over {MAX_DESCRIPTORS} descriptors")
        return manifests[:MAX_DESCRIPTORS]

    def _descend(self, where: str, descriptor: dict[str, Any], depth: int) -> None:
        kind = descriptor.get("mediaType")
        if kind not in {MEDIA_INDEX, MEDIA_MANIFEST}:
            self._say("I14", where, f"media type {kind!r} of {descriptor.get('digest')!r}")
        if not self._blob(where, descriptor) or kind not in {MEDIA_INDEX, MEDIA_MANIFEST}:
            return
        path = blob_path(descriptor["digest"])
        document = self._json(path, dict)
        if document is None:
            return
        if kind == MEDIA_INDEX:
            if depth >= MAX_DEPTH:
                self._say("I5", path, "indexes nested too deep")
                return
            for below in self._descriptors(path, document):
                self._descend(path, below, depth + 1)
        else:
            self._manifest(path, document, descriptor)

    def _blob(self, where: str, descriptor: Any) -> bool:
        """Whether the bytes behind a descriptor are the ones it names."""
        if not isinstance(descriptor, dict) or not is_digest(str(descriptor.get("digest"))):
            self._say("I9", where, "a descriptor without a sha256 digest")
            return False
        digest = descriptor["digest"]
        path = blob_path(digest)
        size = self._store.size(path)
        if size is None:
            self._say("I9", where, f"{path} is not there")
            return False
        if size != descriptor.get("size"):
            self._say("I9", where, f"{path} has {size} bytes, not {descriptor.get('size')!r}")
        if digest not in self._good:
            self._good[digest] = self._hash(path) == digest
            if not self._good[digest]:
                self._say("I9", path, "its bytes have another digest")
        return self._good[digest]

    def _hash(self, path: str) -> str:
        with self._store.open(path) as stream:
            hashed = hashlib.sha256()
            while piece := stream.read(PIECE):
                hashed.update(piece)
            return "sha256:" + hashed.hexdigest()

    def _manifest(self, path: str, manifest: dict[str, Any], descriptor: dict[str, Any]) -> None:
        if manifest.get("schemaVersion") != 2 or manifest.get("mediaType", MEDIA_MANIFEST) != MEDIA_MANIFEST:
            self._say("I14", path, "not an OCI image manifest")
        config, layers = manifest.get("config"), manifest.get("layers")
        if not isinstance(config, dict) or not isinstance(layers, list):
            self._say("I9", path, "config or layers are missing")
            return
        good = self._blob(path, config)
        if manifest.get("artifactType") or manifest.get("subject"):  # an SBOM beside the image
            for layer in layers:
                self._blob(path, layer)
            return
        if config.get("mediaType") != "application/vnd.oci.image.config.v1+json":
            self._say("I14", path, f"media type {config.get('mediaType')!r} of the config")
        stored: list[tuple[str, tarcheck.Seen | None]] = []
        for layer in layers:
            whole = self._blob(path, layer)
            name = blob_path(layer["digest"]) if whole else ""
            if whole and layer.get("mediaType") not in _LAYERS:
                self._say("I14", path, f"media type {layer.get('mediaType')!r} of a layer")
            stored.append((name, self._layer(name, str(layer.get("mediaType"))) if whole else None))
        if good:
            self._config(blob_path(config["digest"]), stored, descriptor.get("platform"))

    def _layer(self, path: str, media_type: str | None) -> tarcheck.Seen | None:
        if path not in self._layers:
            try:
                with self._store.open(path) as stream:
                    kind = compression_of(stream)
                    if media_type in _LAYERS and kind != _LAYERS[media_type]:
                        self._say("I14", path, f"is {kind or 'not compressed'}, and its media type is {media_type}")
                    self._layers[path] = seen = tarcheck.check(pieces(stream, what=path))
                for rule, what in seen.problems:
                    self._say(rule, path, what)
            except InputError as error:
                self._say("I9", path, error.message)
                self._layers[path] = None
        return self._layers[path]

    def _config(self, path: str, layers: list[tuple[str, tarcheck.Seen | None]], platform: Any) -> None:
        config = self._json(path, dict)
        if config is None:
            return
        self._configs.add(path)
        self._platform(path, config, platform)
        if "created" in config and not is_rfc3339(config["created"]):
            self._say("I7", path, f"created is {config['created']!r}")
        if len(layers) > MAX_LAYERS:
            self._say("I12", path, f"{len(layers)} layers; engines stop at {MAX_LAYERS}")
        history = config.get("history")
        if history:
            real = [entry for entry in history if isinstance(entry, dict) and not entry.get("empty_layer")]
            if len(real) != len(layers):
                self._say("I8", path, f"{len(real)} entries of history with a layer, and {len(layers)} layers")
        rootfs = config.get("rootfs")
        diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
        if not isinstance(rootfs, dict) or rootfs.get("type") != "layers" or not isinstance(diff_ids, list):
            self._say("I6", path, "rootfs is not of type layers with diff_ids")
            return
        if len(diff_ids) != len(layers):
            self._say("I1", path, f"{len(diff_ids)} diff_ids, and {len(layers)} layers")
        for diff_id, (name, seen) in zip(diff_ids, layers, strict=False):
            if seen is not None and seen.diff_id != diff_id:
                self._say("I9", path, f"diff_id {diff_id!r} is not that of {name}, {seen.diff_id}")
        known = [seen for _, seen in layers if seen is not None]
        self._across(path, known)
        if len(known) == len(layers):
            self._user(path, config, known)

    def _platform(self, path: str, config: dict[str, Any], said: Any) -> None:
        for field in ("architecture", "os"):
            if not isinstance(config.get(field), str) or not config[field]:
                self._say("I6", path, f"{field} is missing")
        if config.get("architecture") == "arm" and not config.get("variant"):
            self._say("I6", path, "an arm image without a variant")
        if isinstance(said, dict):
            for field in ("architecture", "os", "variant"):
                if said.get(field) != config.get(field):
                    self._say("I6", path, f"{field} is {config.get(field)!r}, and its index says {said.get(field)!r}")

    def _across(self, path: str, layers: list[tarcheck.Seen]) -> None:
        """I19: what a path is in one layer, it is in all."""
        kinds: dict[str, str] = {}
        for seen in layers:
            for name, kind in seen.kinds.items():
                if kinds.setdefault(name, kind) != kind:
                    self._say("I19", path, f"{name!a} is a {kinds[name]} in one layer and a {kind} in another")
        for name in kinds:
            parent = name.rpartition("/")[0]
            if kinds.get(parent) == "symlink":
                self._say("I19", path, f"{name!a}: its parent is a symlink in a layer")

    def _user(self, path: str, config: dict[str, Any], layers: list[tarcheck.Seen]) -> None:
        run = config.get("config")
        said = run.get("User", "") if isinstance(run, dict) else ""
        if not isinstance(said, str) or _NUMERIC.fullmatch(said):
            return
        kept: dict[str, bytes] = {}
        for seen in layers:
            kept |= seen.kept
        user, _, group = said.partition(":")
        for name, table in ((user, "etc/passwd"), (group, "etc/group")):
            names = {line.partition(b":")[0] for line in kept.get(table, b"").splitlines()}
            if name and not name.isdigit() and name.encode() not in names:
                self._say("I15", path, f"the user is {said!r}, and /{table} does not name {name!r}")

    def _docker(self, *, oci: bool) -> None:
        entries = self._json("manifest.json", list)
        for entry in entries or ():
            if not isinstance(entry, dict):
                self._say("I1", "manifest.json", "an entry is not an object")
                continue
            self._tags(entry.get("RepoTags"))
            config, layers = entry.get("Config"), entry.get("Layers")
            if not isinstance(config, str) or not isinstance(layers, list):
                self._say("I1", "manifest.json", "Config or Layers are missing")
                continue
            lost = [name for name in (config, *layers) if not isinstance(name, str) or self._store.size(name) is None]
            for name in lost:
                self._say("I1", "manifest.json", f"{name!r} is not there")
            if not lost and config not in self._configs:
                if oci:
                    self._say("I1", "manifest.json", f"{config} is no config of an image in index.json")
                self._config(config, [(name, self._layer(name, None)) for name in layers], None)

    def _tags(self, tags: Any) -> None:
        if not isinstance(tags, list):
            self._say("I1", "manifest.json", "RepoTags is not a list")
            return
        for tag in tags:
            try:
                explicit = isinstance(tag, str) and ":" in tag.rpartition("/")[2] and reference.parse(tag).tag
            except UsageError:
                explicit = None
            if not explicit:
                self._say("I2", "manifest.json", f"{tag!r} is not a lower-case name with a tag")
