"""N21: Guile's modules, without which it does not start."""

from __future__ import annotations

from scratchpack.needs.companion import Companion


class Guile(Companion):
    """The load path and the compiled modules, written in libguile."""

    name = "guile"
    summary = "Guile does not start without its modules"
    library = ("libguile",)


NEED = Guile()
