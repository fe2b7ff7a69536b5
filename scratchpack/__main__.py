"""``python -m scratchpack`` and the command ``scratchpack``: an interrupt is quiet from here on, even while modules are imported."""

from __future__ import annotations

import gc
import os
import signal
from typing import NoReturn

gc.set_threshold(50_000)


def _leave(_signal: int, _frame: object) -> NoReturn:
    """Nothing was begun yet, or everything is cleaned up: no traceback, the status of an interrupted program."""
    os._exit(130)


if (
    signal.getsignal(signal.SIGINT) is signal.default_int_handler
):  # else somebody ignores it (nohup), or has plans for it
    signal.signal(signal.SIGINT, _leave)

from scratchpack.cli import main  # noqa: E402 - not before an interrupt is quiet

__all__ = ["main"]

if __name__ == "__main__":
    main()
