"""Rows of size, name and reason as text: plain lines in a pipe; on a terminal too narrow for them, folded inside their columns by rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.report.text import escape, human

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.report.groups import Group

_WIDE = 60  # columns that a name may take before its reason moves out of line
_SIZE = 9  # "999.9 MB"


def table(rows: Iterable[Group], *, colour: bool = False, width: int | None = None) -> list[str]:
    """One line a row: ``  1.93 MB  /usr/lib/libc.so.6  needed by git``; ``width`` is a terminal's, in columns."""
    cells = [(human(row.size) if row.size else "", escape(row.what), escape(row.why)) for row in rows]
    wide = min(max((len(what) for _, what, _ in cells), default=0), _WIDE)
    if width is not None and any(_SIZE + 4 + max(wide, len(what)) + len(why) > width for _, what, why in cells):
        return _folded(cells, colour=colour, width=width)
    dim, off = ("\033[2m", "\033[0m") if colour else ("", "")
    return [f"{size:>{_SIZE}}  {what:<{wide}}  {dim}{why}{off}".rstrip() for size, what, why in cells]


def _folded(cells: Iterable[tuple[str, str, str]], *, colour: bool, width: int) -> list[str]:
    from io import StringIO

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0), expand=False)
    grid.add_column(justify="right", no_wrap=True, min_width=_SIZE)
    grid.add_column(overflow="fold", ratio=3)
    grid.add_column(overflow="fold", ratio=2, style="dim")
    for size, what, why in cells:
        grid.add_row(Text(size), Text(what), Text(why))
    page = StringIO()
    console = Console(
        file=page,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        legacy_windows=False,
    )
    console.print(grid)
    return [line.rstrip() for line in page.getvalue().splitlines()]
