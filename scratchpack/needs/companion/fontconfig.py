"""N18: fontconfig wants its configuration, at least one font, and a place for its cache."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.needs.base import PROGRAM, A, Contribution, Evidence, Unavailable, Wants
from scratchpack.needs.companion.base import Companion, holding
from scratchpack.needs.gather import read, reasons, tree
from scratchpack.rootfs import Directory, File, Symlink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.rootfs import Entry, Reason
    from scratchpack.sysroot.model import Sysroot

ALL = 16 << 20  # bytes: a collection of fonts below this travels whole
_FONT = (".ttf", ".otf", ".ttc", ".pfb", ".t1", ".pcf.gz")
_CONFIGURATION = "/etc/fonts/fonts.conf"
_VARIABLE = "FONTCONFIG_FILE"
_OWN = ("<fontconfig>", "fonts.conf")
_XML = re.compile(r"<(dir|cachedir|include)[^>]*>([^<]+)</")


class Fontconfig(Companion):
    """Directories are read from the configuration that is compiled into the library."""

    name = "fontconfig"
    summary = "text is drawn with no font at all without fontconfig's files"
    wants = Wants(
        symbols=("FcInit*", "FcFontMatch", "FcFontList", "FcFontSort", "FcConfig*", "pango_*_font_map_*"),
        fragments=(_VARIABLE,),
        inside=(*holding("<fontconfig>", "libfontconfig.so*"), *((PROGRAM, text) for text in _OWN)),
    )
    library = ("libfontconfig", "libXft.")

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Calls of the library; or the library itself among the program's own bytes, by two strings that belong together."""
        marks = (_VARIABLE in subject.strings(_VARIABLE), any(subject.strings(text) for text in _OWN))
        own = (Evidence(self.name, A, f"string {_VARIABLE}: fontconfig is linked in", subject.program.path),)
        return (own if all(marks) and not any(subject.named("libfontconfig.so*")) else ()) + super().detect(subject)

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Configuration, what its links lead to, fonts, and the cache where there is one."""
        because = reasons(self.name, evidence)
        found: dict[str, list[str]] = {"dir": [], "cachedir": [], "include": []}
        for seen in (*subject.named("libfontconfig.so*"), subject.program):
            for run in seen.strings.get("<fontconfig>", ()):
                for kind, path in _XML.findall(run):
                    if path.startswith("/"):
                        found[kind].append(path)
        if not found["dir"]:
            text = (read(root, _CONFIGURATION) or b"").decode("utf-8", "replace")
            found["dir"] += [path for kind, path in _XML.findall(text) if kind == "dir" and path.startswith("/")]
        found["include"] = found["include"] or [posixpath.join(posixpath.dirname(_CONFIGURATION), "conf.d")]
        files: list[Entry] = []
        for include in found["include"]:
            files += tree(root, posixpath.dirname(include), because)
        fonts = [entry for place in found["dir"] for entry in self._fonts(root, place, because)]
        if not any(isinstance(entry, File) for entry in fonts):
            called = any(item.tier == A and item.because.startswith("imports ") for item in evidence)
            remedy = "install one (Debian: fonts-dejavu-core, Alpine: font-dejavu)"
            raise Unavailable("no font", remedy, essential=called)
        files += fonts
        kept = tuple(posixpath.dirname(entry.path) for entry in fonts if isinstance(entry, File))
        for place in found["cachedir"]:
            files.append(Directory(place, because=because))
            files += [entry for entry in tree(root, place, because) if isinstance(entry, File) and kept]
        return Contribution(tuple(files))

    def _fonts(self, root: Sysroot, place: str, because: tuple[Reason, ...]) -> tuple[Entry, ...]:
        """All of a small collection, else the families that the configuration prefers."""
        entries = tree(root, place, because, lambda path: path.lower().endswith(_FONT))
        if sum(entry.size for entry in entries if isinstance(entry, File)) <= ALL:
            return entries
        names = list(_preferred(root))
        chosen = {name for entry in entries if (name := _family(entry.path)) in names}
        best = sorted(chosen, key=names.index)[:4]
        kept = tuple(entry for entry in entries if not isinstance(entry, Directory) and _family(entry.path) in best)
        return kept or tuple(entry for entry in entries if isinstance(entry, (File, Symlink)))[:4]


def _preferred(root: Sysroot) -> Iterator[str]:
    """Families in the order of the configuration's preferences for Latin text, spelled as file names are."""
    text = (read(root, "/etc/fonts/conf.d/60-latin.conf") or b"").decode("utf-8", "replace")
    for name in re.findall(r"<family>([^<]+)</family>", text):
        yield re.sub(r"[^a-z0-9]", "", name.lower())


def _family(path: str) -> str:
    stem = posixpath.basename(path).partition(".")[0].partition("-")[0]
    return re.sub(r"[^a-z0-9]", "", stem.lower())


NEED = Fontconfig()
