"""Dictionaries and character sets of aspell."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs.base import Wants
from scratchpack.needs.companion.base import Companion, bring, holders, holding, joined
from scratchpack.needs.gather import reasons

if TYPE_CHECKING:
    from scratchpack.needs.base import Contribution, Evidence, NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot


class Aspell(Companion):
    """libaspell writes its places as ``<prefix:lib/aspell>``, beside its prefix."""

    name = "aspell"
    summary = "aspell checks nothing without its dictionaries"
    wants = Wants(symbols=("new_aspell_speller", "_ZN7acommon*"), inside=holding("<prefix:", "libaspell.so*"))
    library = ("libaspell", "libpspell")

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Its directories below the prefix that the library lies in."""
        because = reasons(self.name, evidence)
        parts = []
        for name, fragment in self.wants.inside:
            for seen in holders(subject, name):
                prefix = seen.resolution.node.canonical.partition("/lib/")[0]
                for run in seen.strings.get(fragment, ()):
                    place = posixpath.join(prefix, run.removeprefix("<prefix:").removesuffix(">"))
                    parts.append(bring(root, place, because, seen.path))
        return joined(parts)


NEED = Aspell()
