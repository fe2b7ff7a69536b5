"""``--stop-signal``: a name or a number that Linux has (signal(7)); names are those of most machines."""

from __future__ import annotations

import re

from scratchpack import foreign
from scratchpack.errors import UsageError

NAMES = frozenset({
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "EMT", "FPE", "HUP", "ILL", "INT", "IO",
    "IOT", "KILL", "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM",
    "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN",
    "RTMAX",
})  # fmt: skip
HIGHEST = 64
_REALTIME = re.compile(r"RT(?:MIN\+|MAX-)([0-9]{1,2})")


def stop_signal(text: str) -> str:
    """A signal as it was written, once it is known to be one.

    Raises:
        UsageError: there is no such signal.
    """
    name = text.removeprefix("SIG")
    realtime = _REALTIME.fullmatch(name)
    if name in NAMES or foreign.decimal(text, HIGHEST) or (realtime and int(realtime[1]) <= 30):
        return text
    import difflib

    close = difflib.get_close_matches(name.upper(), sorted(NAMES), 1)
    raise UsageError(
        f"cannot use --stop-signal {text!r}: there is no such signal",
        hint=(f"did you mean SIG{close[0]}? " if close else "")
        + f"it takes a name such as SIGTERM or SIGRTMIN+3, or a number from 1 to {HIGHEST}",
    )
