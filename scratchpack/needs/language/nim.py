"""N34: Nim opens libraries by a pattern of alternatives, which is a literal of the program."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack.needs.base import A, Evidence, Wants

if TYPE_CHECKING:
    from scratchpack.needs.base import Subject

# The byte before a literal's text is the flag in its capacity, 0x40: an "@" to whoever looks for strings (measured).
_PATTERN = re.compile(r"@?(?P<stem>lib[\w+-]+\.so)\((?P<ends>[.\d|\w]*)\)")


class Nim:
    """The first alternative that resolves comes along, as Nim's own loading takes the first that opens."""

    name = "nim"
    wants: Wants = Wants(fragments=(".so(",))

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """One piece of evidence for each pattern of a program that can open libraries at all."""
        if "dlopen" not in subject.program.imports:
            return ()
        found = (_PATTERN.fullmatch(run) for fragment in self.wants.fragments for run in subject.strings(fragment))
        return tuple(
            Evidence("dlopen", A, f"string {match[0].removeprefix('@')}", subject.program.path, _names(match))
            for match in found
            if match
        )


def _names(pattern: re.Match[str]) -> tuple[str, ...]:
    return tuple(pattern["stem"] + end for end in pattern["ends"].split("|"))


DETECTOR = Nim()
