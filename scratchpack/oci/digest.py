"""Digests, bytes held against them, the paths they become in a layout, and the one way JSON is written so that its digest is reproducible."""

from __future__ import annotations

import contextlib
import hashlib
import io
from typing import TYPE_CHECKING, Any

from scratchpack.errors import InputError, OutputError
from scratchpack.oci.model import Blob
from scratchpack.oci.reference import is_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = 1024 * 1024


def sha256(data: bytes) -> str:
    """The digest of bytes, as ``sha256:<hex>``."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def blob_path(digest: str) -> str:
    """Where a layout keeps the blob, relative to its top.

    Raises:
        InputError: not a sha256 digest (S22).
    """
    if not is_digest(digest):
        raise InputError(f"cannot use {digest!r} as a digest: not sha256: and 64 hexadecimal digits")
    return "blobs/sha256/" + digest.removeprefix("sha256:")


def canonical_json(document: Any, *, what: str) -> bytes:
    """JSON with sorted keys and no spaces, as UTF-8.

    Raises:
        InputError: a text in it is not UTF-8 (a name with surrogates from ``os.fsdecode``), which JSON cannot carry.
    """
    text = _json(document)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        near = text[max(0, error.start - 40) : error.end + 20]
        raise InputError(
            f"cannot write the {what}: {near!r} is not UTF-8, and an image says such things in JSON",
            hint="give the program another place with --at",
        ) from error


def _json(value: Any) -> str:
    """What ``json.dumps`` writes with sorted keys, no spaces and no needless escape.

    Importing :mod:`json` takes as long as building a small image, so it is asked only for what needs an escape.
    """
    if isinstance(value, str) and value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return "{" + ",".join(f"{_json(name)}:{_json(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_json, value)) + "]"
    if type(value) is int:
        return str(value)
    import json

    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def memory_blob(media_type: str, data: bytes) -> Blob:
    """A small document as a blob."""
    return Blob(media_type, sha256(data), len(data), lambda: io.BytesIO(data))


def verified(blob: Blob) -> Iterator[bytes]:
    """A blob's bytes in pieces of a MiB, hashed on the way (I9).

    Raises:
        OutputError: they are not what digest and size say, at the end.
    """
    hashed, size = hashlib.sha256(), 0
    with contextlib.closing(blob.open()) as stream:
        while piece := stream.read(_PIECE):
            hashed.update(piece)
            size += len(piece)
            yield piece
    if size != blob.size or "sha256:" + hashed.hexdigest() != blob.digest:
        raise OutputError(f"cannot write the blob {blob.digest}: its bytes are not those that were hashed")
