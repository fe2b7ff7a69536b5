"""Text for people: plans and verdicts go in, lines of plain text come out; names are escaped, for a terminal obeys what it is sent (S11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scratchpack.rootfs import Reason

MANY = 40  # rows that a person reads; a longer table is cut, and says so


def escape(text: str) -> str:
    """Control characters and undecodable bytes made visible, so that no file name drives the terminal (S11)."""
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter.isprintable()
        else f"\\x{ord(letter) - 0xDC00:02x}"
        if 0xDC80 <= ord(letter) <= 0xDCFF
        else repr(letter)[1:-1]
        for letter in text
    )


def human(size: int) -> str:
    """A size in the units of engines' listings (decimal): "1.55 MB"."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 1000 or unit == "GB":
            return f"{value:.2f} {unit}" if value < 10 else f"{value:.1f} {unit}"
    raise AssertionError


def because(reason: Reason) -> str:
    """One reason in a few words."""
    match reason.kind:
        case "program":
            return "the program"
        case "interp":
            return f"runs {reason.by}" if reason.detail == "#!" else f"the loader that {reason.by} names"
        case "needed":
            return f"{reason.detail}, needed by {reason.by}"
        case "need":
            return f"{reason.by}: {reason.detail}"
        case "option":
            return reason.by
        case "link":
            return f"link on the way to {reason.detail or reason.by}"
        case "parent":
            return f"{reason.detail} passes through it"
    return f"{reason.kind} {reason.by} {reason.detail}".rstrip()
