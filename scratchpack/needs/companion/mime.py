"""N25: types of files by name and content, from shared-mime-info or /etc/mime.types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import A, B, Contribution, Evidence, Wants
from scratchpack.needs.companion.base import Companion, paths
from scratchpack.needs.gather import copied, reasons

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

FILES = ("mime.cache", "globs2", "magic", "aliases", "subclasses", "generic-icons", "icons", "types", "treemagic")


class Mime(Companion):
    """GLib reads one cache in a directory of XDG_DATA_DIRS; Go has a table of its own, so it is only suggested there."""

    name = "mime"
    summary = "file types are guessed from a short built-in list without the MIME database"
    wants = Wants(
        symbols=("g_content_type_*", "g_file_info_get_content_type"),
        fragments=("/mime.types",),
        functions=("mime.loadMimeFile",),
    )
    library = ("libgio-", "libglib-")

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Calls of GIO's content types, an own string, or Go's loader."""
        own = tuple(
            Evidence(self.name, A, f"string {path}", subject.program.path, (path,))
            for path in paths(subject.strings("/mime.types"), "/mime.types")
        )
        go = tuple(
            Evidence(self.name, B, f"function {name}", subject.program.path)
            for name in sorted(subject.functions & {"mime.loadMimeFile"})
        )
        return (*super().detect(subject), *own, *go)

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The named file, and the database of the default data directories (the XDG base directory specification)."""
        because = reasons(self.name, evidence)
        homes = subject.env.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
        named = tuple(path for item in evidence for path in item.found)
        if not evidence or any(not item.found for item in evidence):
            named += tuple(f"{home}/mime/{name}" for home in homes.split(":") if home[:1] == "/" for name in FILES)
            named += ("/etc/mime.types",) if subject.is_go else ()
        return Contribution(tuple(entry for path in named for entry in copied(root, path, because)))


NEED = Mime()
