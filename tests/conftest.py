"""The plugins of the whole suite, and what it must not inherit from whatever started it."""

from __future__ import annotations

import signal

pytest_plugins = ["tests.support.engines"]


def pytest_configure() -> None:
    """Hear SIGINT even where a shell started the suite in the background, which ignores it for all children."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
