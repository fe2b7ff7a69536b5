"""espeak's voices and pronunciation rules."""

from __future__ import annotations

from scratchpack.needs.companion import Companion


class Espeak(Companion):
    """The data directory that libespeak names."""

    name = "espeak"
    summary = "espeak does not start without its voices"
    library = ("libespeak",)


NEED = Espeak()
