"""The values of a fleet: what is to be made, what was made of it, and what could not be."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from scratchpack.config import Options
    from scratchpack.oci.model import Release
    from scratchpack.pipeline.together import Together
    from scratchpack.sinks.model import Receipt


class FleetMember(NamedTuple):
    """One image that is to be made. Its options are those of the image alone, every value as the command line has it."""

    name: str  # what {name} stands for
    binaries: tuple[str, ...]
    references: tuple[str, ...]
    options: Options


class Made(NamedTuple):
    """One image that was made."""

    member: FleetMember
    releases: tuple[Release, ...]  # one a compression that was asked for; none of a dry run
    files: int
    size: int  # bytes of all files
    warnings: tuple[str, ...]
    receipts: tuple[Receipt, ...]  # of a push by the process that made it


class Failure(NamedTuple):
    """Why one image was not made."""

    member: FleetMember
    message: str
    hint: str
    details: tuple[str, ...]
    exit_code: int


class Fleet(NamedTuple):
    """What one run made."""

    made: tuple[Made, ...]  # in the order that was asked for
    failed: tuple[Failure, ...]
    receipts: tuple[Receipt, ...]
    together: Together | None  # None of a dry run
    shard: tuple[int, int] | None = None
    partial: tuple[str, ...] = ()  # outputs that hold only the images that were made, and are called so
    dry_run: bool = False

    @property
    def exit_code(self) -> int:
        """0, or that of the first image, in the order that was asked for, which could not be made."""
        return self.failed[0].exit_code if self.failed else 0
