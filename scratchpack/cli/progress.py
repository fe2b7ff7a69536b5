"""Progress on stderr: bytes done go in; a bar comes out once a run takes over a second, or plain lines. In a pipe nothing is shown unless asked for."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

PATIENCE = 1.0  # seconds before a person is shown anything


def shown_as(mode: str, *, quiet: bool) -> str:
    """How work is shown, as none, bar or plain: a bar where a person watches stderr, nothing in a pipe."""
    if quiet or (mode == "auto" and not sys.stderr.isatty()):
        return "none"
    return "bar" if mode == "auto" else mode


class Progress:
    """Shows the work that is reported to :meth:`step`; rich is imported only when there is a bar to draw."""

    def __init__(self, mode: str, *, quiet: bool = False) -> None:
        self._mode = shown_as(mode, quiet=quiet)
        self._since = time.monotonic()
        self._printed = 0.0
        self._bar: Any = None
        self._task: Any = None
        self._what = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, what: str, done: int, total: int) -> None:
        """Report that ``done`` of ``total`` bytes of one piece of work are done; a total of 0 is not known."""
        if self._mode == "none":
            return
        now = time.monotonic()
        if now - self._since < PATIENCE:
            return
        if self._mode == "plain":
            if what != self._what or now - self._printed >= PATIENCE:
                self._what, self._printed = what, now
                share = f" {100 * done // total} %" if total else ""
                print(f"{what}:{share} {done / 1e6:.1f} MB", file=sys.stderr)  # noqa: T201
            return
        self._draw(what, done, total)

    def _draw(self, what: str, done: int, total: int) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
            from rich.progress import Progress as Bar

            columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        if what != self._what or self._task is None:
            self._what = what
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(what, total=total or None)
        self._bar.update(self._task, completed=done)
