"""The table of what one run packed, for people: a run's result goes in, text comes out, coloured on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.names import NOTES
from scratchpack.report.groups import every_row, rows
from scratchpack.report.offers import offers
from scratchpack.report.starting import how_to_run
from scratchpack.report.table import table
from scratchpack.report.text import escape, human
from scratchpack.rootfs import Directory

if TYPE_CHECKING:
    from scratchpack.pipeline.model import Packed


def packed_table(
    packed: Packed, *, colour: bool, dry_run: bool = False, verbose: bool = False, width: int | None = None
) -> str:
    """What one run packed: a row a reason (``verbose``: a file) with its size, the total, the reference, how to run it.

    ``width`` is the terminal's, in columns; ``None`` for a pipe, in which no line is folded.
    """
    bold, off = ("\033[1m", "\033[0m") if colour else ("", "")
    lines: list[str] = []
    for plan in packed.plans:
        if len(packed.plans) > 1:
            lines.append(f"{bold}{plan.platform}{off}")
        shown = every_row(plan.rootfs) if verbose else rows(plan.rootfs)
        lines += table(shown, colour=colour, width=width)
        count = sum(not isinstance(entry, Directory) for entry in plan.rootfs)
        lines.append(f"{bold}{human(plan.rootfs.size):>9}  in {count} file{'s' * (count != 1)}{off}, {plan.platform}")
        lines += [escape(text) for text in plan.notes]
        lines += [f"warning: {escape(text)}" for text in plan.warnings]
        lines += offers(need for need in plan.needs if need.name != NOTES)  # inspect has those
    if dry_run:
        lines.append("nothing was written (--dry-run)")
    elif packed.release is not None or any(receipt.type == "dockerfile" for receipt in packed.receipts):
        lines.append(f"image {escape(', '.join(packed.references))}")
        lines += [
            f"loaded into {name}" for name in dict.fromkeys(done.engine for done in packed.receipts if done.engine)
        ]
        lines += [f"  {line}" for line in how_to_run(packed)]
    return "\n".join(lines) + "\n"
