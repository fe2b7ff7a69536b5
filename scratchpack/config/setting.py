"""What one setting is, and the commands that may take it."""

from __future__ import annotations

from scratchpack.record import NamedTuple

# the commands that pack, write, look or judge; "verify-image" is verify of an image, which has a root and needs of its own
WRITTEN = ("pack", "slim", "squash")  # an image that exists or not, written anywhere
PACK = ("pack", "slim")
BUILD = ("pack", "slim", "dockerfile")
PROGRAM = ("pack", "slim", "dockerfile", "inspect", "verify")
FILES_HERE = ("pack", "dockerfile", "inspect", "verify")  # a program of this machine or of --root
REMOTE = ("pack", "slim", "squash", "verify-image", "analyze")
LOCKED = ("pack", "slim", "verify", "verify-image")
SHOWN = ("pack", "slim", "dockerfile", "inspect")
FLEET = ("pack",)
QUIET = ("pack", "slim", "squash", "dockerfile", "verify", "verify-image", "analyze")


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
