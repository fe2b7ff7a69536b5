"""The values of one run of ``slim``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from scratchpack.pipeline.model import Packed


class Before(NamedTuple):
    """What an image was. ``size`` is that of its layers, uncompressed; ``stored`` as they are kept."""

    reference: str
    platform: str
    layers: int
    size: int
    stored: int


class Slimmed(NamedTuple):
    """What one run wrote, beside what it was made from, a platform each."""

    packed: Packed
    before: tuple[Before, ...]

    def __repr__(self) -> str:
        return f"<Slimmed {', '.join(one.reference for one in self.before)}: {self.packed!r}>"
