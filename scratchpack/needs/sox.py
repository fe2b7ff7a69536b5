"""sox reads and writes most sound formats through plugins."""

from __future__ import annotations

from scratchpack.needs.companion import Companion


class Sox(Companion):
    """The formats of the directory that libsox names."""

    name = "sox"
    summary = "sox knows few sound formats without its plugins"
    library = ("libsox",)


NEED = Sox()
