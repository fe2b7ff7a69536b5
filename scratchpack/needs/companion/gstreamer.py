"""GStreamer's elements, all of which are plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import Wants
from scratchpack.needs.companion.base import Companion, bring, holding, joined
from scratchpack.needs.gather import reasons

if TYPE_CHECKING:
    from scratchpack.needs.base import Contribution, Evidence, NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot


class Gstreamer(Companion):
    """The directory of plugins that libgstreamer names, and the program that it looks at them with."""

    name = "gstreamer"
    summary = "GStreamer has no elements without its plugins"
    wants = Wants(symbols=("gst_init*",), inside=holding("/gstreamer-1.0", "libgstreamer-1.0.so*"))
    library = ("libgst",)

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The plugins with their closures; the scanner is a program of its own."""
        because = reasons(self.name, evidence)
        return joined(bring(root, path, because, seen.path, programs=True) for seen, path in self.places(subject))


NEED = Gstreamer()
