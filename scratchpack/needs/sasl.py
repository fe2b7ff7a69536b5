"""N11: SASL mechanisms are plugins."""

from __future__ import annotations

from scratchpack.needs.companion import Companion


class Sasl(Companion):
    """The mechanisms in the directory that libsasl2 names."""

    name = "sasl"
    summary = "SASL has no mechanism without its plugins"
    library = ("libsasl2.",)


NEED = Sasl()
