"""Graphviz lays out and draws through plugins, listed in a file beside them."""

from __future__ import annotations

from scratchpack.needs.companion import Companion


class Graphviz(Companion):
    """The directory that libgvc names: the list and the plugins."""

    name = "graphviz"
    summary = "graphviz has no layout and no output format without its plugins"
    library = ("libgvc", "libgvplugin")


NEED = Graphviz()
