"""N36: GHC's run time converts text through iconv and follows the locale, in static programs too. Not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import A, Evidence
from scratchpack.needs.builtin import wants_of

if TYPE_CHECKING:
    from scratchpack.needs.base import Subject, Wants


class Haskell:
    """GHCRTS is the variable that only GHC's run time reads."""

    name = "haskell"
    wants: Wants = wants_of("haskell")

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """The run time's mark, in a glibc program."""
        if subject.libc != "glibc":
            return ()
        return tuple(
            Evidence("gconv", A, f"string {mark}, of GHC's run time", subject.program.path)
            for mark in self.wants.fragments
            if mark in subject.strings(mark)
        )


DETECTOR = Haskell()
