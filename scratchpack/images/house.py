"""What scratchpack keeps to beyond the specifications: a survey of an image goes in, one issue for each breach comes out (I1 to I20).

These rules make one archive that every engine takes. They hold for what scratchpack writes, and nobody else is wrong for keeping other
ones (I23). An image is taken for ours when every entry of its history says so and there is one for each layer; an archive or a
layout, when all its images are and its index.json is written as we write JSON (keys in order, no spaces), which no other tool does.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from scratchpack.errors import InputError, UsageError
from scratchpack.images.integrity import Issue
from scratchpack.oci import reference
from scratchpack.oci.config import CREATED_BY
from scratchpack.oci.digest import canonical_json
from scratchpack.oci.index import DIRECTORIES, IMAGE_NAME, REF_NAME
from scratchpack.oci.layer import MAX_LAYERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.images.integrity import CheckedImage, Survey
    from scratchpack.oci.store import Store


def house_rules(store: Store, survey: Survey, *, everywhere: bool = False) -> tuple[Issue, ...]:
    """Hold the rules against what is ours; with ``everywhere``, against everything.

    Whatever cannot be read is an issue of the survey already, and is passed over here.
    """
    ours = [image for image in survey.images if everywhere or written_here(image)]
    found: list[Issue] = []
    for image in ours:
        found += _image(image)
    if everywhere or (len(ours) == len(survey.images) and layout_written_here(store)):
        found += _layout(store, survey)
    return tuple(dict.fromkeys(found))


def written_here(image: CheckedImage) -> bool:
    """Whether scratchpack made this image and nobody added a layer: its own history says so."""
    history = _get(image.config.raw, "history")
    if not isinstance(history, list) or len(history) != len(image.layers):
        return False
    return bool(history) and all(_get(entry, "created_by") == CREATED_BY for entry in history)


def layout_written_here(store: Store) -> bool:
    """Whether index.json is spelled as scratchpack spells it."""
    try:
        data = store.document("index.json")
        return canonical_json(json.loads(data), what="index.json") == data
    except (InputError, ValueError, RecursionError):
        return False


def _image(image: CheckedImage) -> Iterator[Issue]:
    config = image.config.raw
    if _get(config, "architecture") == "arm" and not _get(config, "variant"):
        yield Issue("I6", image.path, "an arm image without a variant")
    if len(image.layers) > MAX_LAYERS:
        yield Issue("I12", image.path, f"{len(image.layers)} layers; engines stop at {MAX_LAYERS}")
    run = _get(config, "config")
    if not _get(run, "Entrypoint") and not _get(run, "Cmd"):
        yield Issue("I23", image.path, "the image starts nothing: it has neither Entrypoint nor Cmd")
    for path, layer in image.layers:
        if layer is not None:
            yield from (Issue(rule, path, what) for rule, what in layer.unlike_ours)
    yield from _across(image)


def _across(image: CheckedImage) -> Iterator[Issue]:
    """I19: what a path is in one layer, it is in all, and nothing stands below a link."""
    kinds: dict[str, str] = {}
    for layer in (layer for _, layer in image.layers if layer is not None):
        for name, kind in layer.kinds.items():
            if kinds.setdefault(name, kind) != kind:
                yield Issue("I19", image.path, f"{name!a} is a {kinds[name]} in one layer and a {kind} in another")
    for name in kinds:
        if kinds.get(name.rpartition("/")[0]) == "symlink":
            yield Issue("I19", image.path, f"{name!a}: its parent is a symlink in a layer")


def _layout(store: Store, survey: Survey) -> Iterator[Issue]:
    if store.compressed:
        yield Issue("I13", store.name, f"the archive as a whole is compressed with {store.compressed}")
    if store.directories is not None and store.size("oci-layout") is not None:
        for name in DIRECTORIES:
            if name.rstrip("/") not in store.directories:
                yield Issue("I20", store.name, f"the archive has no entry for the directory {name}")
    for path, document in survey.documents:
        if path == "manifest.json":
            for entry in document.raw if isinstance(document.raw, list) else ():
                yield from _tags(_get(entry, "RepoTags"))
        else:
            yield from _media_types(path, document.raw)
        if path == "index.json":
            yield from _names(document.raw)


def _names(index: Any) -> Iterator[Issue]:
    named: dict[str, Any] = {}
    for descriptor in _list(index, "manifests"):
        notes = _get(descriptor, "annotations")
        if (_get(notes, IMAGE_NAME) is None) != (_get(notes, REF_NAME) is None):
            yield Issue("I3", "index.json", f"only one of {IMAGE_NAME} and {REF_NAME} stands on a descriptor")
        name, digest = _get(notes, IMAGE_NAME) or _get(notes, REF_NAME), _get(descriptor, "digest")
        if isinstance(name, str) and named.setdefault(name, digest) != digest:
            yield Issue("I5", "index.json", f"{name} stands for several images; platforms belong under one index")


def _media_types(path: str, document: Any) -> Iterator[Issue]:
    """I14: OCI's, never mixed with Docker's."""
    named = [document, _get(document, "config"), *_list(document, "manifests"), *_list(document, "layers")]
    for one in named:
        kind = _get(one, "mediaType")
        if isinstance(kind, str) and kind.startswith("application/vnd.docker."):
            yield Issue("I14", path, f"media type {kind!r} is Docker's, not OCI's")


def _tags(tags: Any) -> Iterator[Issue]:
    if not isinstance(tags, list):
        yield Issue("I1", "manifest.json", "RepoTags is not a list")
        return
    for tag in tags:
        try:
            explicit = isinstance(tag, str) and ":" in tag.rpartition("/")[2] and reference.parse(tag).tag
        except UsageError:
            explicit = None
        if not explicit:
            yield Issue("I2", "manifest.json", f"{tag!r} is not a lower-case name with a tag")


def _get(table: Any, name: str) -> Any:
    return table.get(name) if isinstance(table, dict) else None


def _list(table: Any, name: str) -> list[Any]:
    found = _get(table, name)
    return found if isinstance(found, list) else []
