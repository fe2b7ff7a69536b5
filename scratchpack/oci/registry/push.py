"""A release goes to registries: blobs side by side, then manifests, then what refers to them, tags last.

Until the last step nothing that a tag names has changed, so a push that was cut off can simply be run again.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, NamedTuple

from scratchpack.errors import RemoteError, UsageError
from scratchpack.oci import reference
from scratchpack.oci.model import MEDIA_INDEX, Blob
from scratchpack.oci.registry.client import Repository, media_type
from scratchpack.oci.registry.session import Options, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scratchpack.oci.model import Referrer, Release
    from scratchpack.oci.reference import Reference

PARALLEL = 4


class Pushed(NamedTuple):
    """One repository that now holds the release."""

    repository: str  # host and path
    digest: str  # of what the tags point at
    tags: tuple[str, ...]
    blobs: dict[str, int]  # how many were "present", "mounted", "uploaded"


def push(
    release: Release,
    names: Sequence[str],
    *,
    options: Options | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[Pushed, ...]:
    """Push to every name; names of one repository share the blobs, further repositories of one host mount them.

    Raises:
        UsageError: a name that is none, or one with a digest.
        RemoteError: a registry refused, or did not answer.
    """
    say = progress or (lambda _: None)
    places: dict[str, dict[str, list[str]]] = {}
    for parsed in map(_tagged, names):
        tags = places.setdefault(parsed.host, {}).setdefault(parsed.path, [])
        if parsed.tag is not None and parsed.tag not in tags:
            tags.append(parsed.tag)
    done = []
    for host, paths in places.items():
        with Session(host, options or Options(), next(iter(paths))) as session:
            source: tuple[str, ...] = ()
            for path, tags in paths.items():
                repository = Repository(session, path, write=True, sources=source)
                done.append(_push_one(release, repository, tuple(tags), say))
                source = (path,)
    return tuple(done)


def _tagged(name: str) -> Reference:
    parsed = reference.parse(name)
    if parsed.digest is not None:
        raise UsageError(f"cannot push to {name}: a digest follows from the content", hint="give a tag, or nothing")
    return parsed


def _push_one(release: Release, repository: Repository, tags: tuple[str, ...], say: Callable[[str], None]) -> Pushed:
    blobs = [blob for image in release.images for blob in (*(layer.blob for layer in image.layers), image.config_blob)]
    blobs += [blob for referrer in release.referrers for blob in (*referrer.blobs, referrer.config_blob)]
    counts = _push_blobs(repository, {blob.digest: blob for blob in blobs}.values(), say)
    for image in release.images:
        repository.put_manifest(image.manifest_blob.digest, image.manifest_blob)
    if release.index_blob is not None:
        repository.put_manifest(release.index_blob.digest, release.index_blob)
    for referrer in release.referrers:
        if not repository.put_manifest(referrer.manifest_blob.digest, referrer.manifest_blob):
            _note_referrer(repository, referrer)
    for tag in tags:
        repository.put_manifest(tag, release.top)
        say(f"{repository}:{tag} is {release.top.digest}")
    return Pushed(str(repository), release.top.digest, tags, counts)


def _push_blobs(repository: Repository, blobs: Iterable[Blob], say: Callable[[str], None]) -> dict[str, int]:
    stop = threading.Event()
    counts = {"present": 0, "mounted": 0, "uploaded": 0}

    def one(blob: Blob) -> tuple[Blob, str]:
        return blob, repository.upload(blob, stop)

    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="push") as pool:
        running = {pool.submit(one, blob) for blob in blobs}
        try:
            while running:
                ended, running = wait(running, return_when=FIRST_EXCEPTION)
                for future in ended:
                    blob, how = future.result()
                    counts[how] += 1
                    say(f"{repository}: {how} {blob.digest} ({blob.size} bytes)")
        except BaseException:
            stop.set()
            for future in running:
                future.cancel()
            raise
    return counts


def _note_referrer(repository: Repository, referrer: Referrer) -> None:
    """Keep the referrers' list under its fallback tag, where the registry does not keep one itself.

    Distribution specification 1.1, "Pushing Manifests with Subject": read, add unless it is there, write.
    """
    tag = referrer.subject.replace(":", "-", 1)
    manifests: list[Any] = []
    old = repository.manifest(tag)
    if old is not None:
        try:
            manifests = json.loads(old.data)["manifests"]
            known = {one["digest"] for one in manifests}
        except (ValueError, KeyError, TypeError, RecursionError):
            known, manifests = set(), []
        if media_type(old) != MEDIA_INDEX or not known:
            raise RemoteError(
                f"cannot note what refers to {referrer.subject} in {repository}: the tag {tag} is something else",
                hint="delete that tag, or push without --sbom",
            )
        if referrer.manifest_blob.digest in known:
            return
    manifests.append(_entry(referrer))
    index = {"schemaVersion": 2, "mediaType": MEDIA_INDEX, "manifests": manifests}
    data = json.dumps(index, sort_keys=True, separators=(",", ":")).encode()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    repository.put_manifest(tag, Blob(MEDIA_INDEX, digest, len(data), lambda: io.BytesIO(data)))


def _entry(referrer: Referrer) -> dict[str, Any]:
    blob = referrer.manifest_blob
    with blob.open() as stream:
        annotations = json.loads(stream.read()).get("annotations")
    entry: dict[str, Any] = {
        "mediaType": blob.media_type,
        "digest": blob.digest,
        "size": blob.size,
        "artifactType": referrer.artifact_type,
    }
    return {**entry, "annotations": annotations} if annotations else entry
