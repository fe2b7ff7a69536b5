"""What several images take together: the layers of each go in, three totals come out (W8). Layers alone; documents are small."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Stored(Protocol):
    """What has to be known of a layer."""

    @property
    def digest(self) -> str:
        """Of the bytes that a registry keeps."""

    @property
    def chain_id(self) -> str:
        """Of it and all layers below it."""

    @property
    def stored(self) -> int:
        """Bytes that a registry keeps."""

    @property
    def unpacked(self) -> int:
        """Bytes of its tar."""


class Shared(NamedTuple):
    """A layer that more than one image has. ``size`` is what a registry keeps of it, once."""

    digest: str
    size: int
    images: tuple[str, ...]


class Together(NamedTuple):
    """Bytes of the layers of several images."""

    registry: int  # each digest once
    alone: int  # each image by itself, added up
    node_disk: int  # unpacked: a layer once for each chain of layers below it
    pull: tuple[int, ...]  # of each image, what a machine lacks that has those before it
    shared: tuple[Shared, ...]  # largest first


def together(images: Sequence[tuple[str, Sequence[Stored]]]) -> Together:
    """Add up; images by name, in the order in which they are pulled."""
    blobs: dict[str, int] = {}
    chains: dict[str, int] = {}
    users: dict[str, dict[int, str]] = {}
    pull: list[int] = []
    alone = 0
    for number, (name, layers) in enumerate(images):
        own = {layer.digest: layer.stored for layer in layers}
        alone += sum(own.values())
        pull.append(sum(size for digest, size in own.items() if digest not in blobs))
        blobs |= own
        chains |= {layer.chain_id: layer.unpacked for layer in layers}
        for digest in own:
            users.setdefault(digest, {})[number] = name
    shared = [Shared(digest, blobs[digest], tuple(by.values())) for digest, by in users.items() if len(by) > 1]
    return Together(
        sum(blobs.values()),
        alone,
        sum(chains.values()),
        tuple(pull),
        tuple(sorted(shared, key=lambda one: (-one.size, one.digest))),
    )
