"""N24: input methods and keyboard maps of libX11 and libxkbcommon."""

from __future__ import annotations

from scratchpack.needs.companion import Companion


class X11(Companion):
    """The locale and keyboard directories that the library names."""

    name = "x11"
    summary = "keyboards and input methods of X11 do not work without their tables"
    library = ("libX11.", "libX11-", "libxkbcommon")


NEED = X11()
