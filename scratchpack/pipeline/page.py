"""``analyze --html FILE``: the page's text goes in, a file that is old or new comes out (S17)."""

from __future__ import annotations

from scratchpack.sinks.publish import StagedFile


def write_page(dest: str, text: str) -> None:
    """Write it.

    Raises:
        OutputError: it could not be written; what stood there still does.
    """
    with StagedFile(dest) as staged:
        staged.write(text.encode())
        staged.publish()
