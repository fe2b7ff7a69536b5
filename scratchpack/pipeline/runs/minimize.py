"""``--minimize``: a plan and the trace of its runs in, the plan without what no run touched out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.pipeline.runs.touched import touched
from scratchpack.rootfs import RANK_OPTION, Directory, File, Rootfs, Symlink
from scratchpack.verification.planned import PlannedRoot

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedResult
    from scratchpack.pipeline.model import Plan
    from scratchpack.rootfs import Entry
    from scratchpack.sandbox.trace import Trace

_BY_TRACE = "--trace"


def minimized(plan: Plan, trace: Trace) -> Plan:
    """Keep what a run touched, every link on the way to it, what the loader maps at start, and what the user asked for by name.

    The loader's start stays whole: where this machine has a variant of a library for its own processor (R18), the run
    touched that one alone, and the next machine may need the other.
    """
    root = PlannedRoot(plan.rootfs)
    kept = set(plan.placed)
    for node in touched(trace, root).values():
        kept |= {node.canonical, *(link.path for link in node.links)}
    for resolution in plan.closure.resolved:
        kept |= {resolution.path, resolution.node.canonical, *(link.path for link in resolution.node.links)}
    kept |= {"/etc/passwd", "/etc/group"} if plan.config.user and not plan.config.user[0].isdigit() else set()
    entries = [entry for entry in plan.rootfs if isinstance(entry, Directory) or entry.path in kept or _asked(entry)]
    files = Rootfs(entry for entry in entries if not isinstance(entry, Directory))
    rootfs = files.merge(entry for entry in entries if isinstance(entry, Directory) and _stays(entry, kept))
    gone = [entry for entry in plan.rootfs if isinstance(entry, (File, Symlink)) and entry.path not in rootfs]
    size = plan.rootfs.size - rootfs.size
    note = f"left out {len(gone)} files that no trace touched, {size} bytes"
    needs = tuple(_left(need, rootfs) for need in plan.needs)
    return plan._replace(rootfs=rootfs, needs=needs, notes=(*plan.notes, *((note,) if gone else ())))


def _asked(entry: Entry) -> bool:
    """Whether the user named it: what a trace added stands there by the run's word alone."""
    return entry.rank == RANK_OPTION and any(
        reason.kind == "option" and not reason.by.startswith(_BY_TRACE) for reason in entry.because
    )


def _stays(directory: Directory, kept: set[str]) -> bool:
    """A directory that a run touched, that the user asked for, or that takes files while the program runs."""
    asked = any(reason.kind == "option" for reason in directory.because)
    return asked or directory.path in kept or bool(directory.mode & 0o002)


def _left(need: NeedResult, rootfs: Rootfs) -> NeedResult:
    files = tuple(entry for entry in need.files if entry.path in rootfs)
    closure = need.closure
    if closure is not None and not all(resolution.node.canonical in rootfs for resolution in closure.resolved):
        closure = None
    return need._replace(files=files, closure=closure)
