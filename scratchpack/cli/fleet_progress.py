"""Progress of many images on stderr: one bar that counts them, a line for each that failed; plain lines where asked; nothing in a pipe."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Self

from scratchpack.cli.progress import PATIENCE, shown_as
from scratchpack.report.text import escape

if TYPE_CHECKING:
    from types import TracebackType


class FleetProgress:
    """Hears of each image that ended by :meth:`told`; rich is imported only when there is a bar to draw."""

    def __init__(self, mode: str, *, quiet: bool = False) -> None:
        self._mode = shown_as(mode, quiet=quiet)
        self._since = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def told(self, done: int, total: int, name: str, fault: str) -> None:
        """One image more has ended, of so many; ``fault`` is why it was not made, "" where it was."""
        line = f"{escape(name)}: {escape(fault)}" if fault else escape(name)
        if self._mode == "plain":
            print(f"{done} of {total} images: {line}", file=sys.stderr)  # noqa: T201
        elif self._mode == "bar" and (fault or time.monotonic() - self._since >= PATIENCE):
            self._draw(done, total, line, failed=bool(fault))

    def _draw(self, done: int, total: int, line: str, *, failed: bool) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (
                TextColumn("images"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.description}"),
            )
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("", total=total)
        from rich.markup import escape as literal

        if failed:
            self._bar.console.print(literal(line))
        self._bar.update(self._task, completed=done, description=literal(line))
