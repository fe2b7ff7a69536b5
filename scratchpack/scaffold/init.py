"""``scratchpack init``: a directory goes in, the plan of the files to write comes out, complete before the first one is written."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from scratchpack import templates
from scratchpack.errors import OutputError, UsageError
from scratchpack.scaffold import files
from scratchpack.scaffold.detect import Project, detect
from scratchpack.scaffold.dockerfile import Wishes, dockerfile
from scratchpack.scaffold.languages import find
from scratchpack.scaffold.parts import PartWishes, part

if TYPE_CHECKING:
    from pathlib import Path


# What a language's own build leaves in the repository: the build stage makes it anew, and must not take it for its own.
_BUILT = {
    "rust": ("target",),
    "zig": (".zig-cache", "zig-cache", "zig-out"),
    "haskell": ("dist-newstyle",),
    "d": (".dub",),
    "ocaml": ("_build",),
    "swift": (".build",),
    "dotnet": ("**/bin", "**/obj"),
}
_PLAIN = re.compile(r"[\w./+@-]+")  # what neither make nor a shell reads anything into


class Planned(NamedTuple):
    """A file that the plan would write, and whether something stands there already."""

    path: Path
    text: str
    exists: bool


class Scaffold(NamedTuple):
    """Everything that ``init`` would do, and what it leaves to the user."""

    found: Project
    others: tuple[Project, ...]  # also found, not used
    files: tuple[Planned, ...]
    makefile: tuple[str, ...]  # the lines that the user's Makefile needs; none where it has them


def plan(home: Path, *, language: str | None = None) -> Scaffold:
    """The plan for the repository ``home``, read only.

    Raises:
        UsageError: nothing in it says what it is written in.
    """
    if not home.is_dir():
        raise UsageError(f"cannot look at {home}: it is not a directory")
    seen = detect(home)
    wanted = None if language is None else find(language).name
    fitting = tuple(found for found in seen if wanted in {None, found.language})
    if not fitting and wanted is not None:
        fitting = (Project(wanted, "--language", home.resolve().name, binary=f"./{home.resolve().name}"),)
    if not fitting:
        raise UsageError(
            f"cannot tell what {home} is written in: it has no build file that scratchpack knows",
            hint="say it with --language; `scratchpack template --list` shows the names",
        )
    found = fitting[0]
    wishes = Wishes(package=found.package, name=found.name, build_system=found.build_system)
    made = (
        ("Dockerfile", dockerfile(find(found.language), wishes)),
        (".dockerignore", _ignored(found)),
        ("scratchpack.mk", part("make", PartWishes())),
    )
    if not _PLAIN.fullmatch(found.binary):
        raise UsageError(
            f"cannot write a Makefile part for {found.binary!r}, which {found.because} names: make and the shell would read more into it",
            hint=f"`scratchpack template {found.language} --name NAME` makes the Dockerfile alone",
        )
    planned = tuple(Planned(home / name, text, os.path.lexists(home / name)) for name, text in made)
    return Scaffold(found, tuple(other for other in seen if other != found), planned, _lines(home, found))


def _ignored(found: Project) -> str:
    built = _BUILT.get(found.language, ())
    return templates.read("make/dockerignore").decode() + "".join(f"{name}\n" for name in built)


def _lines(home: Path, found: Project) -> tuple[str, ...]:
    for name in ("GNUmakefile", "makefile", "Makefile"):
        if (home / name).is_file() and "scratchpack.mk" in (home / name).read_text(errors="replace"):
            return ()
    return (f"BINARY := {found.binary}", "include scratchpack.mk")


def refuse_to_replace(planned: tuple[Planned, ...], *, force: bool = False) -> None:
    """Say what stands in the way, a link that leads nowhere too, before anybody is asked.

    Raises:
        OutputError: naming every file in the way.
    """
    in_the_way = tuple(str(file.path) for file in planned if os.path.lexists(file.path))
    if in_the_way and not force:
        raise OutputError("cannot write what is there already", details=in_the_way, hint="--force replaces them")


def carry_out(planned: tuple[Planned, ...], *, force: bool = False) -> None:
    """Write the files, none over one that is there unless ``force`` stands; nothing is written if one could not be.

    Raises:
        OutputError: as :func:`refuse_to_replace`.
    """
    refuse_to_replace(planned, force=force)
    for file in planned:
        files.write(file.path, file.text, force=force)
