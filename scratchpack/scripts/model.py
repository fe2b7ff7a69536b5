"""What the readers of scripts find: commands, imports, files; each with its line, and whether it is certain."""

from __future__ import annotations

from scratchpack.record import NamedTuple


class Command(NamedTuple):
    """A program that a script starts (N43).

    ``name`` is one word (looked up in PATH) or a path. ``certain`` means: a constant word at the place of a command, in code that
    the script reaches and does not make depend on whether the command is there; else ``why`` says what stands against it.
    """

    name: str
    file: str
    line: int
    certain: bool
    why: str = ""


class Mention(NamedTuple):
    """A file that a script names (N47).

    ``base`` says what ``path`` is relative to: "script" (the script's own directory) or "root" (it is absolute).
    ``how`` is "sourced", "run" or "named".
    """

    path: str
    base: str
    how: str
    file: str
    line: int


class Unknown(NamedTuple):
    """A place where the script decides while it runs: nobody can say what it starts or reads."""

    file: str
    line: int
    what: str
    sources: bool = False  # it reads more of the script from a file that nobody can name


class Import(NamedTuple):
    """A module that a script loads by a constant name.

    ``optional`` means that the script goes on without it (an import in ``try``, an ``eval { require … }``).
    """

    name: str
    file: str
    line: int
    optional: bool = False


class SourceText(NamedTuple):
    """The text of one file of a root, read whole within the bound; ``path`` is its canonical name."""

    path: str
    data: bytes
