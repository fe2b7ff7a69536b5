"""Reading an image out of a registry: documents whole and capped, blobs as streams that check themselves (S22, I9)."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, BinaryIO, Self, cast

import urllib3

from scratchpack import foreign
from scratchpack.elf.machines import Platform
from scratchpack.errors import RemoteError
from scratchpack.oci import reference
from scratchpack.oci.model import MEDIA_INDEX
from scratchpack.oci.registry.client import DOCKER_INDEX, Document, Repository, media_type
from scratchpack.oci.registry.faults import BrokenError
from scratchpack.oci.registry.session import Access, Session

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

CONFIG_CAP = 4 << 20  # bytes of an image's config


class RemoteImage:
    """What one name stands for. Use it in a ``with``; nothing is asked before something is read."""

    def __init__(self, name: str, options: Access | None = None) -> None:
        self.reference = reference.parse(name)
        self._session = Session(self.reference.host, options or Access(), self.reference.path)
        self._repository = Repository(self._session, self.reference.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.__exit__()

    def top(self) -> Document:
        """The manifest or index that the name points at.

        Raises:
            RemoteError: refused, or there is none.
        """
        return self.document(self.reference.pointer)

    def manifest(self, platform: Platform | None = None) -> Document:
        """The image manifest, out of an index the one for ``platform`` (or the only one there is).

        Raises:
            RemoteError: none, or several without a platform to choose by.
        """
        top = self.top()
        if top.media_type not in {MEDIA_INDEX, DOCKER_INDEX}:
            return top
        return self.document(choose(top.data, platform, str(self.reference)))

    def document(self, pointer: str) -> Document:
        """The manifest or index behind a tag or digest of the same repository.

        Raises:
            RemoteError: refused, or there is none.
        """
        found = self._repository.manifest(pointer)
        if found is None:
            mark = "@" if reference.is_digest(pointer) else ":"
            raise RemoteError(
                f"cannot read {self._repository}{mark}{pointer}: the registry has no such image",
                hint="check the name and the tag",
            )
        return found._replace(media_type=media_type(found))

    def size(self, digest: str) -> int | None:
        """Bytes of a blob, ``None`` where there is no such blob."""
        return self._repository.blob_size(digest)

    def read(self, digest: str, cap: int = CONFIG_CAP) -> bytes:
        """A small blob, whole and checked: the image's config.

        Raises:
            RemoteError: more than ``cap`` bytes, or not what the digest says.
        """
        with self.open(digest) as stream:
            data = stream.read(cap + 1)
            if len(data) > cap:
                raise RemoteError(f"cannot read {digest} of {self.reference}: more than {cap >> 20} MiB")
            return data

    def open(self, digest: str, size: int | None = None) -> BinaryIO:
        """A blob as a stream; its last read raises RemoteError where digest or size do not match."""
        return cast("BinaryIO", io.BufferedReader(_BlobStream(self._repository, digest, size), 1 << 20))


def choose(index: bytes, platform: Platform | None, name: str) -> str:
    """The digest of the manifest for one platform, from an index.

    Raises:
        RemoteError: none fits, or several do.
    """
    document = foreign.json_document(index, lambda why: RemoteError(f"cannot read {name}: its index is not one: {why}"))
    offers = [(_platform(one.get("platform")), one["digest"].text()) for one in document["manifests"].items()]
    images = [(offer, digest) for offer, digest in offers if offer.architecture not in {"", "unknown"}] or offers
    fitting = [one for one in images if platform is None or _fits(one[0], platform)]
    exact = [one for one in fitting if one[0] == platform]
    digests = list(dict.fromkeys(digest for _, digest in exact or fitting))
    if len(digests) == 1:
        return digests[0]
    wish = f"for {platform}" if platform else "without a platform to choose by"
    raise RemoteError(
        f"cannot choose from {name} {wish}: it has {', '.join(sorted(str(offer) for offer, _ in images)) or 'nothing'}",
        hint="say one of these with --platform",
    )


def _platform(entry: foreign.Value) -> Platform:
    return Platform(entry.get("os").text(), entry.get("architecture").text(), entry.get("variant").text())


def _fits(offer: Platform, wish: Platform) -> bool:
    return offer[:2] == wish[:2] and (not wish.variant or not offer.variant or offer.variant == wish.variant)


class _BlobStream(io.RawIOBase):
    """Reads a blob, takes up a broken connection where it was, and compares at the end."""

    def __init__(self, repository: Repository, digest: str, size: int | None) -> None:
        super().__init__()
        self._repository, self._digest, self._size = repository, digest, size
        self._hash, self._at = hashlib.sha256(), 0
        self._tries = repository.session.options.policy.tries
        self._response: BaseHTTPResponse | None = None
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        piece = b"" if self._ended else self._piece(len(view))
        view[: len(piece)] = piece
        self._hash.update(piece)
        self._at += len(piece)
        if self._size is not None and self._at > self._size:
            raise self._wrong(f"it is longer than {self._size} bytes")
        if not piece and not self._ended:
            self._check()
            self._ended = True  # and stays so: the end of a blob cannot be asked for (416)
        return len(piece)

    def _piece(self, size: int) -> bytes:
        while True:
            try:
                if self._response is None:
                    self._response = self._resume()
                return self._response.read1(size)
            except (urllib3.exceptions.HTTPError, OSError, BrokenError) as error:
                self._drop()
                self._tries -= 1
                if self._tries <= 0:
                    raise BrokenError(
                        f"cannot read {self._digest} from {self._repository}: the connection broke {self._at} bytes in"
                    ) from error

    def _resume(self) -> BaseHTTPResponse:
        response = self._repository.open_blob(self._digest, self._at)
        skip = self._at if response.status == 200 else 0
        while skip and (piece := response.read1(min(skip, 1 << 16))):
            skip -= len(piece)
        return response

    def _check(self) -> None:
        self._drop()
        if self._size is not None and self._at != self._size:
            raise self._wrong(f"it is {self._at} bytes long, not {self._size}")
        found = "sha256:" + self._hash.hexdigest()
        if found != self._digest:
            raise self._wrong(f"its digest is {found}")

    def _wrong(self, why: str) -> RemoteError:
        return RemoteError(f"cannot use {self._digest} from {self._repository}: {why}")

    def _drop(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None

    def close(self) -> None:
        self._drop()
        super().close()
