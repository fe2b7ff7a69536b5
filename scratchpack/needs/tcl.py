"""N21: Tcl's library of scripts, init.tcl first."""

from __future__ import annotations

from scratchpack.needs.companion import Companion


class Tcl(Companion):
    """The directory written in libtcl."""

    name = "tcl"
    summary = "Tcl complains at its start without init.tcl"
    library = ("libtcl", "libtk")


NEED = Tcl()
