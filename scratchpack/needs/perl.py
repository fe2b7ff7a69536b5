"""N21: Perl's modules; ``perl -e`` alone runs without them."""

from __future__ import annotations

from scratchpack.needs.interpreter import Interpreter


class Perl(Interpreter):
    """The directories of @INC, written in perl or libperl."""

    name = "perl"
    summary = "Perl's own modules, strict among them, cannot be used without its library"
    library = ("libperl",)


NEED = Perl()
