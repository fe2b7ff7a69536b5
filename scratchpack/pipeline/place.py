"""Where the program lands in the image, and with it whatever it finds through ``$ORIGIN``.

A binary under a system prefix, or named inside ``--root``, keeps its path. Any other becomes ``/<file name>``; where
anything was found through ``$ORIGIN``, the smallest common directory of the binary and those files becomes ``/app``.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from scratchpack.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.loader.model import Closure
    from scratchpack.pipeline.model import Program

SYSTEM_PREFIXES = ("/usr/", "/bin/", "/sbin/", "/lib", "/opt/", "/nix/")
APP = "/app"


def is_system(path: str) -> bool:
    """Whether a path of the host is one that a distribution installs to."""
    return path.startswith(SYSTEM_PREFIXES)


class Moves(NamedTuple):
    """How paths of the source become paths of the image: single files first, then one directory."""

    files: tuple[tuple[str, str], ...] = ()
    directory: tuple[str, str] | None = None

    def __call__(self, path: str) -> str:
        """The path in the image of an absolute, normalised path of the source."""
        for old, new in self.files:
            if path == old:
                return new
        if self.directory is not None:
            old, new = self.directory
            if path == old:
                return new
            if path.startswith(old.rstrip("/") + "/"):
                return posixpath.join(new, path[len(old.rstrip("/")) + 1 :])
        return path


def place(programs: tuple[Program, ...], closure: Closure | None, at: str | None) -> Moves:
    """Decide the image's paths.

    Raises:
        UsageError: ``--at`` with several programs, or too shallow for what ``$ORIGIN`` needs; two programs at one path.
    """
    if at is not None and (len(programs) > 1 or not at.startswith("/") or at.endswith("/")):
        raise UsageError(
            f"cannot place the program at {at!r}", hint="--at takes one program, and an absolute path of a file"
        )
    origin_files = [] if closure is None else list(_origin_paths(closure, programs))
    moving = [program for program in programs if not program.keeps_path or at is not None]
    if not moving:
        return Moves()
    if origin_files:
        return _together(moving, origin_files, at)
    files = tuple((p.node.canonical, at or "/" + posixpath.basename(p.path)) for p in moving)
    _distinct(new for _, new in files)
    return Moves(files)


def _origin_paths(closure: Closure, programs: tuple[Program, ...]) -> Iterable[str]:
    """Every path that must keep its position relative to a program that moves."""
    kept = {program.node.canonical for program in programs if program.keeps_path}
    for resolution in closure.resolved:
        if not resolution.by_origin or resolution.requested_by in kept:
            continue
        if is_system(resolution.node.canonical) and is_system(posixpath.normpath(resolution.path)):
            continue
        yield posixpath.normpath(resolution.path)
        yield resolution.node.canonical
        for link in resolution.node.links:
            yield link.path


def _together(moving: list[Program], origin_files: list[str], at: str | None) -> Moves:
    binaries = [program.node.canonical for program in moving]
    common = posixpath.commonpath([posixpath.dirname(path) for path in [*binaries, *origin_files]])
    if at is None:
        return Moves(directory=(common, APP))
    inside = posixpath.relpath(binaries[0], common)
    if posixpath.basename(at) != posixpath.basename(inside):
        inside = posixpath.join(posixpath.dirname(inside), posixpath.basename(at))
    if not at.endswith("/" + inside):
        raise UsageError(
            f"cannot place the program at {at}: its libraries stand at {common} and are found through $ORIGIN, "
            f"so the path must end in /{inside}",
            hint=f"for example --at {APP}/{inside}",
        )
    return Moves(((binaries[0], at),), (common, at[: -len(inside) - 1] or "/"))


def _distinct(paths: Iterable[str]) -> None:
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            raise UsageError(
                f"cannot place two programs at {path}", hint="rename one of them, or pack them from a --root"
            )
        seen.add(path)
