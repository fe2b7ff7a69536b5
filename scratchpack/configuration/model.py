"""What a configuration names: one value for each name, with the place where it stands."""

from __future__ import annotations

from scratchpack.record import NamedTuple

PATH, RELATIVE, USER, GROUP = "path", "relative", "user", "group"  # what Named.kind says


class Named(NamedTuple):
    """One name in a text."""

    kind: str  # PATH: absolute and normalised, "*" and "?" may stand in it; RELATIVE: to a place the program knows
    value: str
    key: str  # the directive, option or variable that it is a value of; "" where there is none
    file: str  # path of the text in the image, or what else was read: "--cmd", "-e NAME"
    line: int = 0  # counted from 1; 0 where there are no lines

    @property
    def where(self) -> str:
        """The place as people write it: file:line."""
        return f"{self.file}:{self.line}" if self.line else self.file
