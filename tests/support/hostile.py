"""The hostile names of S12: file names that once broke a generated Dockerfile."""

from __future__ import annotations

HOSTILE_NAMES = (
    "a b",
    " leading",
    "trailing ",
    "-x",
    "--from=x",
    "--chown=0",
    'a"b',
    "a'b",
    "a`b",
    "$HOME",
    "${X:-y}",
    "*",
    "?",
    "[a]",
    "trailing\\",
    "#x",
    "<<EOF",
    "a\nRUN y",
    "a\rb",
    "a\x1b[2J",
    "a\udcff",  # the byte 0xff, as os.fsdecode gives it
)
