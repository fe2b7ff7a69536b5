"""What is included is seen: it lies over the root before anything is resolved, and its ELF files are resolved where they will stand.

In go the entries of ``--include`` and the loading; what is found joins the loading. A program gets a namespace of its own
and is examined for needs; a library is opened by the program that loads it: the interpreter of a script, else the first
program that loads anything (R20). What was named by itself must load; what merely lies in a directory that was named may
be a plug-in for something else, and is a warning.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.elf.reader import read_elf
from scratchpack.errors import InputError
from scratchpack.pipeline.loading import NOTHING_LOADED
from scratchpack.pipeline.model import Program
from scratchpack.rootfs import File, Symlink

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scratchpack.elf.model import ElfFacts
    from scratchpack.pipeline.include import Included
    from scratchpack.pipeline.loading import Loading
    from scratchpack.rootfs import Rootfs
    from scratchpack.sysroot.model import Sysroot

_SHOWN = 4  # problems of one kind that the report names one by one


def join(found: Mapping[str, Included], loading: Loading, main: int, root: Sysroot) -> tuple[str, ...]:
    """Resolve every included ELF file in ``root``, where it stands in the image; warnings come back.

    ``main`` is the number of the program that the image is for.

    What was named by itself and would not load stays a problem of the loading's closure.
    """
    machine = loading.programs[main].facts.machine
    warnings: list[str] = []
    libraries: list[tuple[str, bool]] = []
    for path, included in found.items():
        facts = _elf(included)
        if facts is None:
            continue
        if facts.machine != machine:
            if included.by_itself:
                warnings.append(f"{path} is for {facts.machine}, the image for {machine}")
            continue
        if facts.soname is None and (facts.interpreter is not None or facts.linkage in NOTHING_LOADED):
            node = root.lookup(path)
            if node is None or node.canonical != path or path in {program.path for program in loading.programs}:
                continue
            program = Program(path, root, path, node, facts, keeps_path=True)
            errors = loading.join(program, optional=not included.by_itself)
            if errors and not included.by_itself:
                warnings.append(
                    f"{path} would not start: {errors[0].name}, needed by {errors[0].requester}, is not found"
                )
        elif facts.needed:
            libraries.append((path, included.by_itself))
    opener = _opener(loading, main)
    members = [path for path, by_itself in libraries if not by_itself]
    for path in members:
        loading.open(opener, path, loading.programs[opener].path)
    for opened, problem in loading.take_back(opener).items():
        what = "is not found" if problem.kind == "missing" else problem.detail or problem.kind
        warnings.append(f"{opened.name} could not be loaded: {problem.name}, needed by {problem.requester}, {what}")
    for path, by_itself in libraries:
        if by_itself:
            loading.open(opener, path, loading.programs[opener].path)
    loading.settle(opener)
    return tuple(warnings)


def _elf(included: Included) -> ElfFacts | None:
    """The facts of a regular file that is ELF and can be loaded; an object file or a core is data."""
    laid = included.laid
    if not isinstance(included.entry, File):
        return None
    with laid.root.open(laid.node) as stream:
        if stream.read(4) != b"\x7fELF":
            return None
        try:
            return read_elf(stream, origin=laid.node.canonical)
        except InputError:
            return None


def _opener(loading: Loading, main: int) -> int:
    """The number of the program whose loader opens what is included."""
    if loading.programs[main].facts.interpreter is not None:
        return main
    dynamic = (number for number, program in enumerate(loading.programs) if program.facts.interpreter is not None)
    return next(dynamic, main)


def dangling(found: Mapping[str, Included], rootfs: Rootfs) -> tuple[str, ...]:
    """A line for each included link that leads nowhere in the image, with the option that mends it."""
    from scratchpack.verification.planned import PlannedRoot

    links = [(path, item) for path, item in found.items() if isinstance(item.entry, Symlink) and path in rootfs]
    if not links:
        return ()
    planned = PlannedRoot(rootfs)
    lines = []
    for path, included in links:
        entry, laid = rootfs.get(path), included.laid
        if not isinstance(entry, Symlink) or planned.lookup(path) is not None:
            continue
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(path), entry.target))
        real = laid.root.lookup(laid.node.canonical)
        mend = (
            f"add --include {real.canonical}:{wanted}" if real is not None else "it leads nowhere at its source either"
        )
        lines.append(f"{path} -> {entry.target} leads nowhere in the image: {mend}")
    if len(lines) > _SHOWN:
        lines[_SHOWN:] = [f"and {len(lines) - _SHOWN} more included links lead nowhere in the image"]
    return tuple(lines)
