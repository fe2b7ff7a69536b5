"""What a run of an image touched, as a value that reports print."""

from __future__ import annotations

from scratchpack.record import NamedTuple


class Observed(NamedTuple):
    """Paths of the image, sorted; what the kernel or an engine puts there is left out."""

    opened: tuple[str, ...]
    executed: tuple[str, ...]
    listed: tuple[str, ...]  # directories: plug-ins live in such
    looked_at: tuple[str, ...]
    absent: tuple[str, ...]  # tried, and not there
    refused: tuple[str, ...]
    missing: tuple[str, ...]  # of the absent, what the source root has
    untouched: tuple[tuple[str, int], ...]  # files of the image and their bytes, the largest first
    untouched_bytes: int
    bytes: int  # of all files of the image
