"""Layers of an image at rest: their bytes held against the digest that names them, and taken as they are into a new image."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from scratchpack.errors import InputError
from scratchpack.oci.media import LAYERS
from scratchpack.oci.model import MEDIA_LAYER, Blob, Layer
from scratchpack.oci.unpack import PIECE, compression_of, pieces

if TYPE_CHECKING:
    from scratchpack.oci.budget import UnpackBudget


def held(blob: Blob, diff_id: str, what: str, budget: UnpackBudget) -> int:
    """Bytes of a layer as it is stored; its digest is computed again.

    Args:
        blob: the layer.
        diff_id: what the config calls it.
        what: what messages call it.
        budget: what it may unpack to, which grows with what is stored.

    Raises:
        InputError: the bytes are others than the image says.
    """
    hashed = hashlib.sha256()
    with blob.open() as stream:
        # an archive of Docker's names layers by their uncompressed bytes alone, and may hold them compressed all the same
        size = stream.seek(0, 2)
        stream.seek(0)
        budget.stored(size)
        by_content = blob.digest == diff_id and compression_of(stream) is not None
        for piece in (
            pieces(stream, what=what, limit=budget.allowed) if by_content else iter(lambda: stream.read(PIECE), b"")
        ):
            hashed.update(piece)
    if f"sha256:{hashed.hexdigest()}" != blob.digest:
        raise InputError(
            f"cannot read {what}: its bytes are not those of {blob.digest}",
            hint="pull or build the image again; `scratchpack verify` says all that is wrong",
        )
    return size


def as_layer(blob: Blob, diff_id: str, size: int) -> Layer:
    """A layer of an image at rest as one of a new image, byte for byte; ``size`` is that of its tar.

    In an archive of Docker's a digest may be that of the uncompressed bytes whatever is stored, so what is stored is hashed.
    """
    with blob.open() as stream:
        kind = compression_of(stream)
        hashed, stored = hashlib.sha256(), 0
        while piece := stream.read(PIECE):
            hashed.update(piece)
            stored += len(piece)
    media = MEDIA_LAYER + (f"+{kind}" if kind else "")
    return Layer(Blob(media, f"sha256:{hashed.hexdigest()}", stored, blob.open), diff_id, size)


def stated_layer(blob: Blob, diff_id: str, size: int) -> Layer:
    """The same of a registry's layer, whose digest is that of what is stored: it is not read for this."""
    kind = LAYERS.get(blob.media_type)
    media = MEDIA_LAYER + (f"+{kind}" if kind else "")
    return Layer(blob._replace(media_type=media), diff_id, size)
