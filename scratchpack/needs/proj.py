"""PROJ's database of coordinate systems."""

from __future__ import annotations

from scratchpack.needs.companion import Companion


class Proj(Companion):
    """The directory that libproj names: the database, and grids where they are installed."""

    name = "proj"
    summary = "PROJ knows no coordinate system by its number without its database"
    library = ("libproj",)


NEED = Proj()
