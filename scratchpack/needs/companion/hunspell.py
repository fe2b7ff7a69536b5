"""Dictionaries of hunspell."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs.base import PROGRAM, Contribution, Wants
from scratchpack.needs.companion.base import Companion, holding, paths
from scratchpack.needs.gather import copied, reasons

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.needs.base import Evidence, NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot


class Hunspell(Companion):
    """The image's language picks the dictionary, en_US without one; the places stand in the program."""

    name = "hunspell"
    summary = "hunspell checks nothing without a dictionary"
    wants = Wants(symbols=("Hunspell_create", "_ZN8HunspellC*"), inside=holding("/hunspell", PROGRAM))
    library = ("libhunspell",)

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The words and rules of each language, from each place that has them; a file named in full comes as it is."""
        because = reasons(self.name, evidence)
        places = [path for run in subject.strings("/hunspell") for path in paths((run,), "/hunspell")]
        files = [entry for place in places for entry in copied(root, place, because)]
        files += [
            entry
            for place in dict.fromkeys(places)
            for language in _languages(options)
            for kind in ("aff", "dic")
            for entry in copied(root, posixpath.join(place, f"{language}.{kind}"), because)
        ]
        lost = ("hunspell: no dictionary of this language in the root; --include one",)
        return Contribution(tuple(files), notes=() if files else lost)


def _languages(options: NeedOptions) -> Iterator[str]:
    names = [options.env.get(name, "") for name in ("DICTIONARY", "LC_ALL", "LC_MESSAGES", "LANG")]
    named = (part.partition(".")[0] for name in (*names, *options.locales) for part in name.split(","))
    yield from dict.fromkeys(name for name in (*named, "en_US") if name not in {"", "C", "POSIX"} and "/" not in name)


NEED = Hunspell()
