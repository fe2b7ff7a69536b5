"""N16: GIO takes TLS and proxies from modules."""

from __future__ import annotations

from scratchpack.needs.companion import Companion


class Gio(Companion):
    """The modules of the directory that libgio names, and their cache."""

    name = "gio"
    summary = "GIO has no TLS and no proxy resolver without its modules"
    library = ("libgio-", "libgnutls", "libproxy")


NEED = Gio()
