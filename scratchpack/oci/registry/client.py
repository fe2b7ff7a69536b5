"""One repository: blobs and manifests, asked for, read and written (the distribution specification)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from scratchpack import foreign
from scratchpack.errors import InputError, RemoteError
from scratchpack.oci import reference
from scratchpack.oci.model import MEDIA_INDEX, MEDIA_MANIFEST
from scratchpack.oci.registry import retry, transport
from scratchpack.oci.registry.faults import BrokenError, shown
from scratchpack.oci.registry.transport import Body, body

if TYPE_CHECKING:
    from collections.abc import Callable

    from urllib3.response import BaseHTTPResponse

    from scratchpack.oci.model import Blob
    from scratchpack.oci.registry.session import Session

MANIFEST_CAP = 4 << 20  # bytes (S22)
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_ACCEPT = f"{MEDIA_INDEX}, {MEDIA_MANIFEST}, {DOCKER_INDEX}, {DOCKER_MANIFEST}"
_OCTETS = {"Content-Type": "application/octet-stream"}
_SLOW_BYTES = 8 << 20  # a second: how fast a registry hashes and stores what it was sent, at the least


class Document(NamedTuple):
    """A manifest or index as it is stored; ``digest`` is of these very bytes."""

    media_type: str
    digest: str
    data: bytes


class Repository:
    """One repository of a session. ``write`` asks for the right to push; ``sources`` are repositories to mount from."""

    def __init__(self, session: Session, path: str, *, write: bool = False, sources: tuple[str, ...] = ()) -> None:
        self.session, self.path, self.sources = session, path, sources
        actions = "pull,push" if write else "pull"
        self._scope = (f"repository:{path}:{actions}", *(f"repository:{source}:pull" for source in sources))
        self._policy = session.options.policy

    def __str__(self) -> str:
        return f"{self.session.host}/{self.path}"

    def _call(self, method: str, target: str, **more: object) -> BaseHTTPResponse:
        return self.session.call(method, target, self._scope, **more)  # type: ignore[arg-type] # as call() takes them

    def _with_retries(self, method: str, target: str, **more: object) -> BaseHTTPResponse:
        return retry.with_retries(self._policy, lambda: self._call(method, target, **more))

    def has_blob(self, digest: str) -> bool:
        """Whether the repository holds the blob."""
        return self.blob_size(digest) is not None

    def blob_size(self, digest: str) -> int | None:
        """Bytes of a blob as the registry says, -1 where it does not say, ``None`` where there is no such blob."""
        response = self._with_retries("HEAD", self._blob(digest))
        if response.status == 404:
            transport.finish(response)
            return None
        if response.status != 200:
            raise self.session.refusal(f"look for {digest} in {self}", response)
        size = response.headers.get("Content-Length", "")
        transport.finish(response)
        known = foreign.decimal(size)
        return -1 if known is None else known

    def upload(self, blob: Blob, told: Callable[[int], None] = lambda _: None) -> str:
        """Bring a blob there, by mounting where that works: "present", "mounted" or "uploaded".

        ``told`` hears how many bytes were sent, piece by piece; what it raises ends the upload.

        What an interrupted upload had sent is thrown away; the next try begins anew.

        Raises:
            RemoteError: refused, or no luck within the policy's tries.
            InputError: the blob's bytes are not there any more.
        """
        if self.has_blob(blob.digest):
            return "present"
        source = next(iter(self.sources), None)
        mounted = False

        def attempt() -> BaseHTTPResponse:
            nonlocal source, mounted
            response = self._begin(blob.digest, source)
            mounted = source is not None and response.status == 201
            source = None  # one try: a registry that fails at mounting is not asked again
            if response.status != 202:
                return response
            return self._send(blob, response, told)

        response = retry.with_retries(self._policy, attempt)
        if response.status not in {201, 204}:
            raise self.session.refusal(f"push {blob.digest} to {self}", response)
        transport.finish(response)
        return "mounted" if mounted else "uploaded"

    def _begin(self, digest: str, source: str | None) -> BaseHTTPResponse:
        uploads = f"/v2/{self.path}/blobs/uploads/"
        if source is not None:  # "mount" and "from" only together: alone, some registries answer 400
            try:
                response = self._call("POST", f"{uploads}?{urlencode({'mount': digest, 'from': source})}")
            except BrokenError:
                return self._call("POST", uploads)
            if response.status in {201, 202}:
                return response
            transport.finish(response)
        return self._call("POST", uploads)

    def _send(self, blob: Blob, begun: BaseHTTPResponse, told: Callable[[int], None]) -> BaseHTTPResponse:
        place = self._location(begun, f"/v2/{self.path}/blobs/uploads/")
        wait = self._policy.answer + blob.size / _SLOW_BYTES
        if blob.size:
            sent = Body(blob.size, blob.open, blob.digest, told)
            response = self._call("PATCH", place, headers=_OCTETS, body=sent, wait=wait)
            if response.status not in {201, 202, 204}:
                return self._answer(place, blob, response)
            place = self._location(response, place)
        bare, question, query = place.partition("?")
        place = f"{bare}?{query + '&' if question and query else ''}{urlencode({'digest': blob.digest})}"
        return self._answer(place, blob, self._call("PUT", place, headers=_OCTETS, wait=wait))

    def _answer(self, place: str, blob: Blob, response: BaseHTTPResponse) -> BaseHTTPResponse:
        """Tell apart what another try, or nothing, would better."""
        if response.status in {404, 416}:  # a session that the registry has lost: begin anew
            error = self.session.refusal(f"push to {self}", response)
            raise BrokenError(error.message, hint="run it again: what has arrived is not sent twice")
        where = transport.origin(place)
        if response.status in {401, 403} and where != self.session.login.home:
            transport.finish(response)
            raise RemoteError(
                f"cannot push {blob.digest} to {self}: the registry sent the upload to {where.netloc}, which refused it",
                hint=f"the credentials are for {self.session.host} alone and were not sent there",
            )
        return response

    def _location(self, response: BaseHTTPResponse, asked: str) -> str:
        location = response.headers.get("Location", "")
        transport.finish(response)
        if not location:
            raise RemoteError(f"cannot push to {self}: the registry took the upload and said not where to send it")
        url = transport.join(transport.join(f"{self.session.login.home}/", asked), location).partition("#")[0]
        self.session.check(url)
        return url

    def manifest(self, pointer: str) -> Document | None:
        """The manifest behind a tag or digest, its digest recomputed; ``None`` where there is none.

        Raises:
            RemoteError: refused; more than ``MANIFEST_CAP`` bytes; not the bytes that the digest names.
        """
        what = f"{self}{'@' if reference.is_digest(pointer) else ':'}{pointer}"
        target = self._manifest(pointer)
        for left in reversed(range(self._policy.tries)):
            response = self._with_retries("GET", target, headers={"Accept": _ACCEPT})
            if response.status == 404:
                transport.finish(response)
                return None
            if response.status != 200:
                raise self.session.refusal(f"read {what}", response)
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
            try:
                data = transport.read(response, MANIFEST_CAP, what)
                break
            except BrokenError:
                if not left:
                    raise
                self._policy.sleep(self._policy.pause)
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        if reference.is_digest(pointer) and digest != pointer:
            raise RemoteError(f"cannot use {what}: the registry sent other bytes, of digest {digest}")
        return Document(kind, digest, data)

    def put_manifest(self, pointer: str, blob: Blob) -> bool:
        """Store a manifest under a tag or its digest; whether the registry has noted its subject by itself."""
        with blob.open() as stream:
            data = stream.read()
        headers = {"Content-Type": blob.media_type}
        what = f"push {self}{'@' if reference.is_digest(pointer) else ':'}{pointer}"
        response = self._with_retries("PUT", self._manifest(pointer), headers=headers, body=body(data, blob.digest))
        if response.status not in {200, 201, 202, 204}:
            raise self.session.refusal(what, response)
        stored = response.headers.get("Docker-Content-Digest", blob.digest)
        noted = "OCI-Subject" in response.headers
        transport.finish(response)
        if stored != blob.digest:
            raise RemoteError(f"cannot {what}: the registry stored it as {shown(stored)}, not as {blob.digest}")
        return noted

    def open_blob(self, digest: str, offset: int = 0) -> BaseHTTPResponse:
        """The answer that streams a blob from ``offset`` on: status 200 (from the start) or 206.

        Raises:
            RemoteError: refused, or not there.
        """
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        response = self._with_retries("GET", self._blob(digest), headers=headers)
        if response.status not in {200, 206}:
            raise self.session.refusal(f"read {digest} from {self}", response)
        return response

    def _blob(self, digest: str) -> str:
        return f"/v2/{self.path}/blobs/{_checked(digest)}"

    def _manifest(self, pointer: str) -> str:
        return f"/v2/{self.path}/manifests/{pointer if reference.is_tag(pointer) else _checked(pointer)}"


def _checked(digest: str) -> str:
    """A digest that may become part of a path (S22)."""
    if not reference.is_digest(digest):
        raise RemoteError(f"cannot use {shown(digest)!r}: not sha256: and 64 hexadecimal digits")
    return digest


def media_type(document: Document) -> str:
    """What a document says it is, else what the registry said."""
    try:
        return foreign.json_document(document.data)["mediaType"].text()
    except InputError:
        return document.media_type
