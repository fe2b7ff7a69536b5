"""N17: gdk-pixbuf reads most formats but PNG and JPEG through loaders."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs.base import Wants
from scratchpack.needs.companion.base import Companion, bring, joined
from scratchpack.needs.gather import reasons

if TYPE_CHECKING:
    from scratchpack.needs.base import Contribution, Evidence, NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot


class GdkPixbuf(Companion):
    """The loaders and their list lie below the library's own directory, in one of the library's name."""

    name = "gdk-pixbuf"
    summary = "gdk-pixbuf opens few image formats without its loaders"
    wants = Wants(symbols=("gdk_pixbuf_new_from_*", "gdk_pixbuf_loader_new*"))
    library = ("libgdk_pixbuf",)

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Every version's directory that holds a loaders.cache."""
        because = reasons(self.name, evidence)
        parts = []
        for seen in subject.named("libgdk_pixbuf-*"):
            home = posixpath.join(posixpath.dirname(seen.resolution.node.canonical), "gdk-pixbuf-2.0")
            node = root.lookup(home)
            for version in root.list(node) if node is not None and node.kind == "directory" else ():
                place = posixpath.join(home, version)
                if root.lookup(posixpath.join(place, "loaders.cache")):
                    parts.append(bring(root, place, because, seen.path))
        return joined(parts)


NEED = GdkPixbuf()
