"""A plan in the full source root: what is planned in, a directory to lay over that root and the guest that runs there out (W30)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from scratchpack.oci.config import config_json
from scratchpack.pipeline.runs.guest import guest_of, start_of
from scratchpack.rootfs import RANK_GENERATED, Directory, File, Rootfs, Symlink
from scratchpack.sinks.local import LocalTree
from scratchpack.verification.planned import PlannedRoot

if TYPE_CHECKING:
    from scratchpack.images.launch import Launch
    from scratchpack.pipeline.model import Plan
    from scratchpack.pipeline.runs.expectation import Expectation
    from scratchpack.rootfs import Entry
    from scratchpack.sandbox.model import Guest
    from scratchpack.sysroot.model import Sysroot

# Whatever the image has: no traced run dies for want of a place. Of lower rank than what is planned there.
_ALWAYS = ("/tmp", "/var/tmp", "/run")  # noqa: S108
_WRITE = 0o002


def in_source_root(plan: Plan, source: Sysroot, path: str, home: str, wanted: Expectation) -> Guest:
    """The program in the root that the plan is made from.

    Args:
        plan: what the image would be.
        source: that root.
        path: of it, on this machine.
        home: a directory of ours, in which a tree is made.
        wanted: words and limits of the run.

    Raises:
        InputError: a file of the plan cannot be read.
        OutputError: there is no room.
    """
    config, start = start_of_plan(plan, wanted)
    over = f"{home}/over"
    places = [Directory(place, 0o1777, rank=RANK_GENERATED - 1) for place in _ALWAYS if source.lookup(place) is None]
    LocalTree(over).write(Rootfs(places).merge(_differing(plan.rootfs, source)), plan.config)
    guest = guest_of(path, start, config, wanted)
    scratch = dict.fromkeys((*guest.scratch, *writable(plan, guest), *_ALWAYS))
    return guest._replace(whole=path == "/", over=over, writable=False, scratch=tuple(scratch))


def packed(plan: Plan, home: str, wanted: Expectation) -> Guest:
    """The program in the image alone.

    Raises:
        InputError: a file of the plan cannot be read.
        OutputError: there is no room.
    """
    config, start = start_of_plan(plan, wanted)
    tree = f"{home}/packed"
    LocalTree(tree).write(plan.rootfs, plan.config)
    guest = guest_of(tree, start, config, wanted)
    return guest._replace(scratch=tuple(dict.fromkeys((*guest.scratch, *writable(plan, guest)))))


def start_of_plan(plan: Plan, wanted: Expectation) -> tuple[dict[str, Any], Launch]:
    """The image's config as a document, and what it starts."""
    config: dict[str, Any] = json.loads(config_json(plan.config, ()))
    return config, start_of(config, PlannedRoot(plan.rootfs), wanted.words, name=plan.placed[0])


def writable(plan: Plan, guest: Guest) -> list[str]:
    """Directories of the image in which its user may make files; an engine's root is not read-only by itself."""
    places = []
    for entry in plan.rootfs:
        if isinstance(entry, Directory) and entry.path != "/":
            own = entry.uid == guest.uid and entry.mode & 0o200
            if own or entry.mode & _WRITE:
                places.append(entry.path)
    return places


def _differing(rootfs: Rootfs, source: Sysroot) -> list[Entry]:
    """What of a plan the source root has not at the same place."""
    found: list[Entry] = []
    for entry in rootfs:
        match entry:
            case File():
                same = entry.source.origin == (source.name, entry.path)
            case Symlink():
                node = source.lookup(entry.path, follow=False)
                same = node is not None and node.target == entry.target
            case Directory():
                node = source.lookup(entry.path)
                own = entry.uid != 0 or entry.mode & _WRITE  # of the image's user, or of all: so it is in the run
                same = not own and node is not None and node.kind == "directory"
        if not same:
            found.append(entry._replace(inode=None) if isinstance(entry, File) else entry)
    return found
