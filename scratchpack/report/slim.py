"""What ``slim`` made: the table that ``pack`` prints, and each platform beside what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.report.packed import packed_table
from scratchpack.report.text import escape, human

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.pipeline.slim.model import Slimmed


def slimmed_text(
    slimmed: Slimmed, *, colour: bool, dry_run: bool = False, verbose: bool = False, width: int | None = None
) -> str:
    """The whole report; the options are those of the table."""
    shown = packed_table(slimmed.packed, colour=colour, dry_run=dry_run, verbose=verbose, width=width)
    return shown + "".join(f"{line}\n" for line in _beside(slimmed))


def _beside(slimmed: Slimmed) -> Iterator[str]:
    for plan, before in zip(slimmed.packed.plans, slimmed.before, strict=True):
        layers = f"{before.layers} layer{'s' * (before.layers != 1)}"
        times = before.size / plan.rootfs.size if plan.rootfs.size else 0
        share = f", {times:.1f} times smaller" if times >= 2 else ""
        yield (
            f"{escape(before.reference)} ({before.platform}): {human(before.size)} in {layers} "
            f"became {human(plan.rootfs.size)}{share}"
        )
