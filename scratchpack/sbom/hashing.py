"""The digests of an image's files; each is read once, and must be what was planned (S10)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from scratchpack.oci.layer import content

if TYPE_CHECKING:
    from scratchpack.rootfs import File


class Digests(NamedTuple):
    """SHA-1 and SHA-256 of one file, in hexadecimal."""

    sha1: str
    sha256: str


def digests(entry: File) -> Digests:
    """Hash one file.

    Raises:
        InputError: it changed since it was planned.
    """
    sha1, sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
    with entry.source.open() as stream:
        for piece in content(stream, entry):
            sha1.update(piece)
            sha256.update(piece)
    return Digests(sha1.hexdigest(), sha256.hexdigest())
