"""Ghostscript's start-up programs, resources and fonts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import Wants
from scratchpack.needs.companion.base import Companion, holding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.needs.base import Seen, Subject


class Ghostscript(Companion):
    """The directories of the search path that libgs holds, and what they link to."""

    name = "ghostscript"
    summary = "ghostscript does not start without its initialisation files"
    wants = Wants(symbols=("gsapi_new_instance",), inside=holding("/ghostscript", "libgs.so*"))
    library = ("libgs.",)

    def places(self, subject: Subject) -> Iterator[tuple[Seen, str]]:
        """The home of a Resource directory: colour profiles and idioms lie beside what the path names."""
        told = {path.partition("/Resource/")[0]: seen for seen, path in super().places(subject)}
        yield from ((seen, path) for path, seen in told.items())


NEED = Ghostscript()
