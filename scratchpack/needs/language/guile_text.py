"""N21: Guile turns every string port's text through iconv, ISO-8859-1 among the charsets, and aborts where it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import A, Evidence, Wants

if TYPE_CHECKING:
    from scratchpack.needs.base import Subject


class GuileText:
    """Who starts Guile itself needs its charsets."""

    name = "guile-text"
    wants: Wants = Wants(symbols=("scm_boot_guile", "scm_with_guile"))

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Evidence where the program itself, and not one of its libraries, starts Guile."""
        return tuple(
            Evidence("gconv", A, f"imports {symbol}, and Guile converts all text", seen.path)
            for seen, symbol in subject.importing(*self.wants.symbols)
            if seen.tier == A and subject.libc == "glibc"
        )


DETECTOR = GuileText()
