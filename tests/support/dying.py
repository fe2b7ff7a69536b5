"""What worker processes of tests run: each takes a directory and a word, and some die the first time, or every time."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def work(text: str) -> str:
    """ "DIRECTORY WORD": the word in capitals. "once…" kills its process on its first try, "always…" on every one."""
    home, _, word = text.partition(" ")
    tries = Path(home) / word
    with tries.open("a") as file:
        file.write("x")
    if word.startswith("always") or (word.startswith("once") and tries.read_text() == "x"):
        os.kill(os.getpid(), signal.SIGKILL)
    return word.upper()
