"""Where the program lands in the image, and with it whatever it finds through ``$ORIGIN``: programs and their closure go in, a table of moves comes out.

A binary under a system prefix, or named inside ``--root``, keeps its path. Any other becomes ``/<file name>``; where
anything was found through ``$ORIGIN``, the smallest common directory of the binary and those files becomes ``/app``.
What was found by an absolute path stays where it is asked for, also below that directory.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.errors import UsageError
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scratchpack.loader.model import Closure
    from scratchpack.pipeline.model import Program
    from scratchpack.sysroot.model import Link, Node, Sysroot

_LIBRARIES = ("/lib/", "/lib32/", "/lib64/", "/libx32/", "/libo32/", "/libn32/", "/libexec/")
SYSTEM_PREFIXES = ("/usr/", "/bin/", "/sbin/", *_LIBRARIES, "/opt/", "/nix/")
APP = "/app"
# Names that mean something else at the top of an image: mounted or written by engines, or looked into by every program.
RESERVED = frozenset(
    f"/{name}"
    for name in (
        *("bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "libn32", "libo32", "libx32", "media", "mnt"),
        *("opt", "proc", "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var", "nix"),
    )
)
_MOUNTED = ("/dev", "/proc", "/sys")  # what the image has below is never seen


def is_system(path: str) -> bool:
    """Whether a path of the host is one that a distribution installs to."""
    return path.startswith(SYSTEM_PREFIXES)


class Moves(NamedTuple):
    """How paths of the source become paths of the image."""

    table: Mapping[str, str]  # of files, links and directories, as found and without links
    programs: Mapping[str, str]  # of the programs that move, by the name that was given
    directory: tuple[str, str] | None = (
        None  # what keeps its relative position lies below the first, in the image the second
    )

    def __call__(self, path: str) -> str:
        """The path in the image of an absolute path of the source."""
        return self.table.get(path, path)

    def of(self, program: Program) -> str:
        """A program's path in the image."""
        return self.programs.get(program.given, program.path)

    def target(self, link: Link) -> str:
        """What a link of the source has to say in the image, so that it leads to the same file."""
        at = posixpath.normpath(posixpath.join(posixpath.dirname(link.path), link.target))
        if link.path not in self.table:
            return self.table.get(at, link.target)
        if self.directory is None or is_system(at) or not _below(at, self.directory[0]):
            return at
        return _moved(link.target, self.directory) if link.target.startswith("/") else link.target


def place(
    programs: tuple[Program, ...],
    closure: Closure | None,
    at: str | None,
    staying: frozenset[str] = frozenset(),
    directories: frozenset[str] = frozenset(),
    beside: tuple[str, ...] = (),
) -> Moves:
    """Decide the image's paths. What is ``staying`` is asked for by what was included, and lies at its place already.

    ``beside`` are paths that have to keep their position relative to a program, as those that ``$ORIGIN`` finds do.
    ``directories`` are those that the image has for other reasons: no program takes such a name, nor one of :data:`RESERVED`.

    Raises:
        UsageError: ``--at`` with several programs, onto a directory, or too shallow for what ``$ORIGIN`` needs; two
            programs at one path.
    """
    named = [program for program in programs if not program.asked_by]
    if at is not None and (len(named) > 1 or not at.startswith("/") or at.endswith("/")):
        raise UsageError(
            f"cannot place the program at {at!r}", hint="--at takes one program, and an absolute path of a file"
        )
    if at is not None and (_is_taken(at, directories) or any(_below(at, top) for top in _MOUNTED)):
        raise UsageError(
            f"cannot place the program at {at}: that is a directory of the image, or one that an engine mounts",
            hint=f"for example --at {APP}/{posixpath.basename(at)}",
        )
    moving = [program for program in programs if not program.keeps_path or (at is not None and not program.asked_by)]
    if not moving:
        return Moves({}, {})
    together = [] if closure is None else [*_origin_paths(closure, programs, staying), *beside]
    if together:
        return _together(moving, together, at)
    if at is not None:
        return _named({}, {moving[0].given: at}, moving, None)
    images = {p.given: _alone(posixpath.basename(p.path), directories) for p in moving}
    if any(_below(path, APP) and path != APP for path in images.values()):
        images = {p.given: _alone(posixpath.basename(p.path), directories | {APP}) for p in moving}
    return _named({}, images, moving, None)


def renamed(programs: tuple[Program, ...], moves: Moves) -> tuple[str, ...]:
    """A line of the report for each program that did not get the name that it would have at the top of the image."""
    return tuple(
        f"{program.given} is placed at {path}: /{posixpath.basename(program.path)} means something else in an image"
        for program in programs
        if moves.directory is None
        and (path := moves.programs.get(program.given, "")) == posixpath.join(APP, posixpath.basename(program.path))
    )


def parents(paths: Iterable[str]) -> frozenset[str]:
    """Every directory above these paths."""
    found: set[str] = set()
    for path in paths:
        above = posixpath.dirname(path)
        while above not in found and above not in {"/", ""}:
            found.add(above)
            above = posixpath.dirname(above)
    return frozenset(found)


def _alone(name: str, directories: frozenset[str]) -> str:
    """Where a program lands that nothing travels beside: at the top, unless its name means something else there."""
    return posixpath.join(APP, name) if _is_taken(f"/{name}", directories) else f"/{name}"


def _is_taken(path: str, directories: frozenset[str]) -> bool:
    return path in RESERVED or path in directories


def _named(
    table: dict[str, str], images: dict[str, str], moving: list[Program], directory: tuple[str, str] | None
) -> Moves:
    """The moves, once no two programs want one path; a program given by two names has its first one in the table."""
    taken: dict[str, str] = {}
    own: dict[str, str] = {}
    for program in moving:
        path, canonical = images[program.given], program.node.canonical
        if taken.setdefault(path, canonical) != canonical:
            raise UsageError(
                f"cannot place two programs at {path}", hint="rename one of them, or pack them from a --root"
            )
        own.setdefault(canonical, path)
    return Moves({**table, **own}, images, directory)


def _origin_paths(closure: Closure, programs: tuple[Program, ...], staying: frozenset[str]) -> Iterator[str]:
    """Every path, as found and without links, that must keep its position relative to a program that moves."""
    kept = {program.node.canonical for program in programs if program.keeps_path}
    for resolution in (*closure.resolved, *closure.aliases):
        if resolution.by_origin and resolution.requested_by not in kept and resolution.path not in staying:
            yield from _path_and_links(resolution.root, resolution.path, resolution.node)
            for variant in resolution.variants:
                yield from _path_and_links(resolution.root, variant.path, variant.node)


def _path_and_links(root: Sysroot, path: str, node: Node) -> Iterator[str]:
    """What leads from a path to its file, as far as it is not the system's own."""
    found = posixpath.normpath(path)
    if is_system(found):
        return
    yield path
    yield from passed_through(root, path)
    for link in node.links:
        if not is_system(link.path):
            yield link.path
            to = posixpath.join(posixpath.dirname(link.path), link.target)
            if not is_system(posixpath.normpath(to)):
                yield from passed_through(root, to)
    if not is_system(node.canonical):
        yield node.canonical


def passed_through(root: Sysroot, path: str) -> Iterator[str]:
    """The directories that each ``..`` of a path stands on: without them in the image the path leads nowhere (R24)."""
    parts = path.split("/")
    for count, part in enumerate(parts):
        if part == ".." and count > 1:
            node = root.lookup("/".join(parts[:count]))
            if node is not None and node.canonical != "/":
                yield node.canonical


def _together(moving: list[Program], together: list[str], at: str | None) -> Moves:
    binaries = [program.node.canonical for program in moving]
    plain = [posixpath.normpath(path) for path in together]
    common = posixpath.commonpath([posixpath.dirname(path) for path in [*binaries, *plain]])
    directory = (common, APP)
    if at is not None:
        inside = posixpath.join(posixpath.dirname(posixpath.relpath(binaries[0], common)), posixpath.basename(at))
        if not at.endswith("/" + inside):
            raise UsageError(
                f"cannot place the program at {at}: what it finds beside itself stands at {common}, "
                f"so the path must end in /{inside}",
                hint=f"for example --at {APP}/{inside}",
            )
        directory = (common, at[: -len(inside) - 1] or "/")
    table = {path: _moved(path, directory) for path in [*binaries, *together, *plain]}
    images = {
        program.given: at or posixpath.join(posixpath.dirname(table[program.node.canonical]), _name(program))
        for program in moving
    }
    return _named(table, images, moving, directory)


def _name(program: Program) -> str:
    """The file name in the image; a script that a link led to keeps its own, by which Node tells its kinds of modules."""
    return posixpath.basename(program.node.canonical if program.is_script else program.path)


def _below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _moved(path: str, directory: tuple[str, str]) -> str:
    """The same position below another directory; ``..`` in the path stays."""
    old, new = directory
    rest = path[len(old.rstrip("/")) :] if _below(path, old) else path
    return (new.rstrip("/") + rest) or "/"
