"""N21: Ruby's standard library."""

from __future__ import annotations

from scratchpack.needs.companion import Companion


class Ruby(Companion):
    """The directories of its load path, written in libruby."""

    name = "ruby"
    summary = "Ruby's own modules cannot be required without its standard library"
    library = ("libruby",)


NEED = Ruby()
