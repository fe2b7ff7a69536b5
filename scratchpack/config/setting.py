"""What one setting is, and the commands that may take it."""

from __future__ import annotations

from scratchpack.record import NamedTuple

# the commands that pack, write, look or judge; "verify-image" is verify of an image, which has a root and needs of its own
PACK = ("pack",)
BUILD = ("pack", "dockerfile")
PROGRAM = ("pack", "dockerfile", "inspect", "verify")
REMOTE = ("pack", "verify-image", "analyze")
LOCKED = ("pack", "verify", "verify-image")
SHOWN = ("pack", "dockerfile", "inspect")
QUIET = ("pack", "dockerfile", "verify", "verify-image", "analyze")


class Setting(NamedTuple):
    """One setting: ``name`` is its option (``--name``), its key in the file, and ``SCRATCHPACK_NAME``."""

    name: str
    kind: str  # "text" | "flag" | "choice" | "optional" (an option whose value may be left out)
    group: str
    help: str
    many: bool = False
    short: str = ""
    metavar: str = ""
    choices: tuple[str, ...] = ()
    flag_value: str = ""  # of "optional": the value when none is given
    takes: tuple[str, ...] = PROGRAM  # the commands for which it means something
    guard: str = ""  # why a settings file that nobody named may not set it (docs/trust.md); empty: it may
