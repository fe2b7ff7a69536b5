"""What a person may want to add, and what is good to know: the needs of a plan go in, lines come out.

Each offer says what is not there and what the program shows of it. Where there are several, the options of all stand in one
line at the end, to be copied as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.report.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scratchpack.needs.base import NeedResult


def offers(needs: Iterable[NeedResult]) -> Iterator[str]:
    """The offers and the notes of these needs, a line each."""
    needs = tuple(needs)
    options = tuple(dict.fromkeys(need.option for need in needs if need.option))
    for need in needs:
        if need.suggestion:
            alone = f": add it with {need.option}" if need.option and len(options) == 1 else ""
            yield f"maybe: {escape(need.suggestion)}{alone}"
    if len(options) > 1:
        yield f"add all of these with: {escape(' '.join(options))}"
    yield from (f"note: {escape(note)}" for need in needs for note in need.notes)
