"""The built-in needs: one row each, with what the one scan looks for. A need's file is imported when its row was hit."""

from __future__ import annotations

from typing import NamedTuple

from scratchpack.needs.base import Wants


class Row(NamedTuple):
    """A need before it is imported: ``scratchpack.needs.<module>`` holds it as ``NEED``."""

    name: str
    module: str
    wants: Wants


ROWS: tuple[Row, ...] = (
    Row("libgcc", "libgcc", Wants(symbols=("pthread_cancel", "pthread_exit", "thrd_exit", "backtrace"))),
)


def wants_of(name: str) -> Wants:
    """The row's wants: a need's own file repeats nothing."""
    return next(row.wants for row in ROWS if row.name == name)
