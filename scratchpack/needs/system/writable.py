"""N50: directories that a package keeps for its service, below /run and /var: the service does not start without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack import foreign
from scratchpack.needs import places
from scratchpack.needs.base import A, Contribution, Evidence, Wants, is_libc
from scratchpack.needs.companion.base import paths
from scratchpack.needs.gather import linked, read, reasons
from scratchpack.needs.system.stated import Stated, below_tops, normal
from scratchpack.pattern import pattern
from scratchpack.rootfs import RANK_GENERATED, Directory, Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.needs.system.stated import StatedDirectory
    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Sysroot

_PACKAGED = pattern(r"/(?:usr/(?!local/)|s?bin/|lib|opt/)")
_FRAGMENTS = ("/run/", "/var/lib/", "/var/cache/", "/var/log/", "/var/spool/")
_UNSEPARATED = pattern(r"/(?:(?:var/)?run|var/(?:lib|cache|log|spool))/[\w.+@-]+(?:/[\w.+@-]+)*")
_OTHERS_WRITE = 0o002
_GROUP_WRITES = 0o020


class Writable:
    """Two things must agree: a name of the program's or its configuration's, or a unit that starts it, and a package that states the directory."""

    name = "writable"
    summary = "directories that the program's package keeps for it"
    wants = Wants(
        symbols=("listen",),  # a daemon: a unit of its package may start it
        fragments=_FRAGMENTS,
        unseparated=_FRAGMENTS,
        functions=("net.Listen", "net.(*ListenConfig).Listen"),
    )
    adds = "a"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """The places that the program's own strings name, and that it waits for connections."""
        own = subject.program
        if not _PACKAGED.match(own.resolution.node.canonical):
            return ()
        names = dict.fromkeys(path for path in _names(subject) if below_tops(normal(path)))
        found = tuple(Evidence(self.name, A, f"string {path}", own.path, (normal(path),)) for path in names)
        daemon = any(seen.imports & {"listen"} and not is_libc(seen.name) for seen in subject.objects)
        if daemon or subject.functions & {*self.wants.functions}:  # its library may do it, as named's does
            found += (Evidence(self.name, A, "waits for connections", own.path),)
        return found

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The directories, with the modes that are stated, the image's user in the place of the service's own."""
        program = subject.program.resolution.node.canonical
        named = [normal(item.found[0]) for item in evidence if item.found]
        found, unit = Stated(root, program).found(named)
        if not found:
            return Contribution()
        uid, gid = _numbers(root, options.user)
        entries: list[Entry] = []
        for place in found.values():
            because = tuple(_because(place, evidence, unit))
            owner = uid if place.service else 0
            group = gid if place.service or (place.group and place.mode & _GROUP_WRITES) else 0
            entries.append(Directory(place.path, place.mode, owner, group, because=because, rank=RANK_GENERATED))
        if any("/var/run/" in item.because for item in evidence) and any(path.startswith("/run/") for path in found):
            entries.append(linked("/var/run", "/run", reasons(self.name, evidence[:1])))
        return Contribution(tuple(entries), notes=tuple(_notes(found.values(), {*named}, options.user, root=uid == 0)))


def _names(subject: Subject) -> Iterator[str]:
    for fragment in _FRAGMENTS:
        if (
            subject.is_go
        ):  # literals side by side: the longest directory of a package that one begins with is found later
            yield from (match[0] for run in subject.strings(fragment) for match in _UNSEPARATED.finditer(run))
        else:
            yield from paths(subject.strings(fragment), fragment)


def _because(place: StatedDirectory, evidence: tuple[Evidence, ...], unit: str) -> Iterator[Reason]:
    for item in evidence:
        if item.found and (normal(item.found[0]) + "/").startswith(place.path + "/"):
            yield Reason("need", Writable.name, f"{item.by}: {item.because}, stated by {place.by}")
            return
    yield Reason("need", Writable.name, f"{unit or place.by} starts the program, and {place.by} states the directory")


def _notes(found: Iterable[StatedDirectory], named: Collection[str], user: str, *, root: bool) -> Iterator[str]:
    """What the program writes, what of it wants to stay, and where the image's user may not."""
    theirs = sorted(place.path for place in found if root or _may_write(place))
    kept = _tops(path for path in theirs if path.startswith(("/var/lib/", "/var/spool/")))
    passing = _tops(path for path in theirs if not path.startswith(("/var/lib/", "/var/spool/")))
    if kept:
        yield f"writable: what is written to {', '.join(kept)} stays with {_volumes(kept)}"
    if passing:
        yield f"writable: with a read-only root, {', '.join(passing)} want a volume or a tmpfs"
    roots = _tops(
        place.path
        for place in sorted(found)
        if place.path not in theirs
        and any(places.within(path, place.path) for path in named)
        and not any(places.within(path, place.path) for path in theirs)
    )
    if roots:
        whose = "root's, as the package has it" if len(roots) == 1 else "root's, as the packages have them"
        yield f"writable: {', '.join(roots)}: {whose}; if user {user} is to write there, give {_volumes(roots)}"


def _volumes(directories: Iterable[str]) -> str:
    return " ".join(f"--volume {path}" for path in directories)


def _may_write(place: StatedDirectory) -> bool:
    return place.service or bool(place.mode & _OTHERS_WRITE) or bool(place.group and place.mode & _GROUP_WRITES)


def _tops(found: Iterable[str]) -> list[str]:
    """The paths, less those that lie below another."""
    every = list(found)
    return [path for path in every if not any(path != other and places.within(path, other) for other in every)]


def _numbers(root: Sysroot, user: str) -> tuple[int, int]:
    """``UID[:GID]`` as numbers; a name as the root's own table has it, from which the image's line comes. 0:0 for one that is nowhere."""
    name, _, group = user.partition(":")
    row = _row(root, "/etc/passwd", name)
    uid = foreign.decimal(name) if foreign.decimal(name) is not None else foreign.decimal(row[2]) if row else None
    if group:
        named = _row(root, "/etc/group", group)
        gid = (
            foreign.decimal(group)
            if foreign.decimal(group) is not None
            else foreign.decimal(named[2])
            if named
            else None
        )
    else:
        gid = foreign.decimal(row[3]) if row and len(row) > 3 else uid
    return uid or 0, gid or 0


def _row(root: Sysroot, table: str, name: str) -> list[str] | None:
    rows = (line.split(":") for line in (read(root, table) or b"").decode("utf-8", "replace").split("\n"))
    return next((row for row in rows if len(row) > 2 and name in (row[0], row[2])), None)


NEED = Writable()
