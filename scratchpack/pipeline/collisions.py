"""Outputs never replace the input or each other: every path that a run reads or writes is compared before anything is written.

Compared are names, with the links of their directories followed, and the files themselves by device and inode: a hard link, a
symbolic link and another spelling of the input are the input. A directory that is written may hold neither an input nor another output,
since replacing it would take them with it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from scratchpack.errors import UsageError
from scratchpack.record import NamedTuple
from scratchpack.rootfs import File

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scratchpack.request.model import Request
    from scratchpack.rootfs import Rootfs
    from scratchpack.sinks.model import Output


class UsedPath(NamedTuple):
    """A path of this machine that a run reads or writes."""

    path: str  # as it was typed
    what: str  # "the program", "-o type=docker", "--iidfile"
    tree: bool = False  # a directory that is written as a whole


def refuse_collisions(inputs: Iterable[UsedPath], outputs: Sequence[UsedPath]) -> None:
    """Hold that no output takes the place of an input or of another output.

    Raises:
        UsageError: two of them are one file, or one lies in the directory that another replaces.
    """
    known = tuple(_Seen(place) for place in inputs)
    written: list[_Seen] = []
    for place in outputs:
        new = _Seen(place)
        for old in known:
            if new.is_same(old) or (place.tree and old.is_below(new)):
                raise UsageError(
                    f"cannot write {place.what} to {place.path}: it would replace {old.place.what}, {old.place.path}",
                    hint="give the output another name",
                )
        for old in written:
            if new.is_same(old) or (place.tree and old.is_below(new)) or (old.place.tree and new.is_below(old)):
                raise UsageError(
                    f"cannot write {old.place.what} and {place.what} to one place: {old.place.path} and {place.path}",
                    hint="give one of them another name",
                )
        written.append(new)


def refuse_replacing_files(outputs: Iterable[UsedPath], rootfs: Rootfs) -> None:
    """Hold that no output takes the place of a file that goes into the image: a library of the root, a member of an included tree.

    Raises:
        UsageError: one would.
    """
    seen = [new for new in map(_Seen, outputs) if new.inode is not None]
    if not seen:
        return
    packed = {entry.inode[-2:]: entry.path for entry in rootfs if isinstance(entry, File) and entry.inode is not None}
    for new in seen:
        if new.inode in packed:
            raise UsageError(
                f"cannot write {new.place.what} to {new.place.path}: it would replace {packed[new.inode]}, which is packed",
                hint="give the output another name, or leave that file out with --exclude",
            )


class _Seen:
    """A place as it stands now."""

    def __init__(self, place: UsedPath) -> None:
        self.place = place
        head, name = os.path.split(os.path.abspath(place.path))
        self.name = os.path.join(os.path.realpath(head), name)  # what a rename would replace
        try:
            status = os.stat(place.path)
        except (OSError, ValueError):
            status = None
        self.inode = None if status is None else (status.st_dev, status.st_ino)

    def is_same(self, other: _Seen) -> bool:
        return self.name == other.name or (self.inode is not None and self.inode == other.inode)

    def is_below(self, directory: _Seen) -> bool:
        """Whether it lies in that directory, by either of its names."""
        top = os.path.realpath(directory.place.path).rstrip("/") + "/"
        return self.name.startswith(top) or os.path.realpath(self.place.path).startswith(top)


def inputs_of(binaries: Iterable[str], asked: Request, settings: str | None = None) -> tuple[UsedPath, ...]:
    """What a run reads by name: programs, what is included, certificates, the root, the settings file."""
    found = [UsedPath(binary, "the program") for binary in binaries]
    if asked.root is not None and os.path.realpath(asked.root) != "/":
        found = [
            UsedPath(asked.root + place.path if place.path.startswith("/") else place.path, place.what)
            for place in found
        ]
        found.append(UsedPath(asked.root, "--root"))
    for text in asked.include:
        source = text if os.path.lexists(text) else text.rpartition(":")[0] or text
        if any(sign in source for sign in "*?[") and not os.path.lexists(source):
            import glob

            matched = glob.glob(source)
        else:
            matched = [source]
        found += [UsedPath(path, "what is included") for path in matched]
    if asked.onto is not None and os.path.exists(asked.onto):
        found.append(UsedPath(asked.onto, "--onto"))
    if asked.ca_bundle is not None:
        found.append(UsedPath(asked.ca_bundle, "--ca-bundle"))
    if asked.locked is not None and not asked.update_lock:
        found.append(UsedPath(asked.locked, "--locked"))
    if settings is not None:
        found.append(UsedPath(settings, "the settings file"))
    return tuple(found)


def outputs_of(
    asked: Request, outputs: Iterable[Output], name: str, platforms: Sequence[str] = ()
) -> tuple[UsedPath, ...]:
    """What a run writes by name; ``name`` is the program's, ``platforms`` are given where there are several."""
    found = []
    bills = []
    for output in outputs:
        if output.type == "registry":
            continue
        dest = output.dest or ""
        bills.append(name if dest == "-" else dest)
        directory = output.type in {"local", "dockerfile"} or not output.tar
        found.append(UsedPath("/dev/stdout" if dest == "-" else dest, f"-o type={output.type}", tree=directory))
    if asked.load and not bills:
        bills.append(name)
    if asked.sbom is not None:
        from scratchpack.pipeline.boms import bill_path

        paths = {bill_path(dest, asked.sbom, platform) for dest in bills for platform in (platforms or ("",))}
        found += [UsedPath(path, "--sbom") for path in sorted(paths)]
    lock = asked.locked if asked.update_lock else None
    for path, option in ((asked.iidfile, "--iidfile"), (asked.metadata_file, "--metadata-file"), (lock, "--locked")):
        if path is not None:
            found.append(UsedPath(path, option))
    return tuple(found)
