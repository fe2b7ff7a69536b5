"""A release goes to registries: blobs side by side, then manifests, then what refers to them, tags last.

Until the last step nothing that a tag names has changed, so a push that was cut off can simply be run again.
"""

from __future__ import annotations

import json
import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, NamedTuple

from scratchpack import foreign
from scratchpack.errors import RemoteError, UsageError
from scratchpack.oci import reference
from scratchpack.oci.digest import canonical_json, memory_blob
from scratchpack.oci.model import MEDIA_INDEX
from scratchpack.oci.registry.client import Repository, media_type
from scratchpack.oci.registry.session import Access, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scratchpack.oci.model import Blob, Referrer, Release
    from scratchpack.oci.reference import Reference

    Progress = Callable[[str, int, int], None]

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
    options: Access | None = None,
    progress: Progress | None = None,
    mounts: Sequence[str] = (),
) -> tuple[Pushed, ...]:
    """Push to every name; names of one repository share the blobs, further repositories of one host mount them.

    ``mounts`` are references of images whose layers the release has: what their registry holds is mounted, where it is the same one.
    ``progress`` is told (what, bytes done, bytes in all), from several threads, one at a time.

    Raises:
        UsageError: a name that is none, or one with a digest.
        RemoteError: a registry refused, or did not answer.
    """
    places: dict[str, dict[str, list[str]]] = {}
    for parsed in map(_tagged, names):
        tags = places.setdefault(parsed.host, {}).setdefault(parsed.path, [])
        if parsed.tag is not None and parsed.tag not in tags:
            tags.append(parsed.tag)
    done = []
    for host, paths in places.items():
        with Session(host, options or Access(), next(iter(paths))) as session:
            source = tuple(one.path for one in map(reference.parse, mounts) if one.host == host)
            for path, tags in paths.items():
                repository = Repository(session, path, write=True, sources=source)
                done.append(_push_one(release, repository, tuple(tags), progress or (lambda *_: None)))
                source = (path, *source)
    return tuple(done)


def _tagged(name: str) -> Reference:
    parsed = reference.parse(name)
    if parsed.digest is not None:
        raise UsageError(f"cannot push to {name}: a digest follows from the content", hint="give a tag, or nothing")
    return parsed


def _push_one(release: Release, repository: Repository, tags: tuple[str, ...], progress: Progress) -> Pushed:
    blobs = [blob for image in release.images for blob in (*(layer.blob for layer in image.layers), image.config_blob)]
    blobs += [blob for referrer in release.referrers for blob in (*referrer.blobs, referrer.config_blob)]
    counts = _push_blobs(repository, list({blob.digest: blob for blob in blobs}.values()), progress)
    for image in release.images:
        repository.put_manifest(image.manifest_blob.digest, image.manifest_blob)
    if release.index_blob is not None:
        repository.put_manifest(release.index_blob.digest, release.index_blob)
    for referrer in release.referrers:
        if not repository.put_manifest(referrer.manifest_blob.digest, referrer.manifest_blob):
            _note_referrer(repository, referrer)
    for tag in tags:
        repository.put_manifest(tag, release.top)
    return Pushed(str(repository), release.top.digest, tags, counts)


class _Meter:
    """Adds up what several threads send, and stops them when one has failed."""

    def __init__(self, what: str, total: int, progress: Progress) -> None:
        self._what, self._total, self._progress = what, total, progress
        self._lock = threading.Lock()
        self._done = 0
        self.stopped = False

    def add(self, size: int) -> None:
        """So many bytes more are there (a second try sends some twice: never over the total).

        Raises:
            RemoteError: another thread has failed.
        """
        if self.stopped:
            raise RemoteError(f"cannot go on {self._what}: stopped")
        with self._lock:
            self._done = min(self._total, self._done + size)
            self._progress(self._what, self._done, self._total)


def _push_blobs(repository: Repository, blobs: Sequence[Blob], progress: Progress) -> dict[str, int]:
    meter = _Meter(f"pushing to {repository}", sum(blob.size for blob in blobs), progress)
    counts = {"present": 0, "mounted": 0, "uploaded": 0}

    def one(blob: Blob) -> str:
        how = repository.upload(blob, meter.add)
        if how != "uploaded":
            meter.add(blob.size)
        return how

    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="push") as pool:
        running = {pool.submit(one, blob) for blob in blobs}
        try:
            while running:
                ended, running = wait(running, return_when=FIRST_EXCEPTION)
                for future in ended:
                    counts[future.result()] += 1
        except BaseException:
            meter.stopped = True
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

        def fault(why: str) -> RemoteError:
            return RemoteError(
                f"cannot note what refers to {referrer.subject} in {repository}: the tag {tag} is something else: {why}",
                hint="delete that tag, or push without --sbom",
            )

        entries = foreign.json_document(old.data, fault)["manifests"]
        manifests = [one.as_object() for one in entries.items()]
        known = {one["digest"].text() for one in entries.items()}
        if media_type(old) != MEDIA_INDEX or not known:
            raise fault("no index, or an empty one")
        if referrer.manifest_blob.digest in known:
            return
    manifests.append(_entry(referrer))
    index = {"schemaVersion": 2, "mediaType": MEDIA_INDEX, "manifests": manifests}
    repository.put_manifest(tag, memory_blob(MEDIA_INDEX, canonical_json(index, what="list of referrers")))


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
