"""N19: Qt draws, opens images and speaks TLS through plugins."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs.base import A, Contribution, Evidence, Wants
from scratchpack.needs.companion.base import Companion, bring, joined
from scratchpack.needs.gather import reasons

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

_FOR = {
    "Gui": ("platforms", "imageformats", "platforminputcontexts", "xcbglintegrations"),
    "Network": ("tls", "bearer", "networkinformation"),
    "Sql": ("sqldrivers",),
    "Svg": ("imageformats", "iconengines"),
}


class Qt(Companion):
    """Who links libQt*Gui needs a platform plugin; QtCore alone needs none."""

    name = "qt"
    summary = "Qt aborts a graphical program without a platform plugin"
    wants = Wants(
        sonames=tuple(f"libQt{major}{part}.so*" for major in "56" for part in ("Gui", "Network", "Sql", "Svg")),
        inside=tuple((f"libQt{major}Core.so*", text) for major in "56" for text in ("qt_prfxpath=", "/plugins")),
    )

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Libraries of Qt that the program itself asks for."""
        return tuple(
            Evidence(self.name, A if seen.tier == "b" else seen.tier, f"loads {seen.name}", seen.path, (module,))
            for module in _FOR
            for pattern in (f"libQt5{module}.so*", f"libQt6{module}.so*")
            for seen in subject.named(pattern)
        )

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The plugins for those modules, in the directory that libQtCore was configured with."""
        because = reasons(self.name, evidence)
        modules = [module for item in evidence for module in item.found] or list(_FOR)
        wanted = dict.fromkeys(folder for module in modules for folder in _FOR[module])
        places: dict[str, str] = {}
        for name, fragment in self.wants.inside:
            for core in subject.named(name):
                prefixes = [run.partition("=")[2] for run in core.strings.get("qt_prfxpath=", ())] or ["/usr"]
                for run in core.strings.get(fragment, ()):
                    if run.endswith("plugins"):
                        for prefix in prefixes:
                            places.setdefault(posixpath.normpath(posixpath.join(prefix, run)), core.path)
        return joined(bring(root, f"{place}/{kind}", because, by) for place, by in places.items() for kind in wanted)


NEED = Qt()
