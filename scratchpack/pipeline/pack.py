"""One run of ``pack``: names and a request go in, plans are made, checked against what is written, and written (``writer.py``)."""

from __future__ import annotations

import contextlib
import os
from functools import partial
from typing import TYPE_CHECKING

from scratchpack.errors import UsageError
from scratchpack.pipeline.collisions import inputs_of, outputs_of, refuse_collisions, refuse_replacing_files
from scratchpack.pipeline.locate import Roots
from scratchpack.pipeline.model import Packed
from scratchpack.pipeline.plan import planned
from scratchpack.pipeline.settings import placed_outputs
from scratchpack.request import request
from scratchpack.request.model import TREES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scratchpack.config import Options
    from scratchpack.config.options import StrPath
    from scratchpack.pipeline.boms import Boms
    from scratchpack.pipeline.collisions import UsedPath
    from scratchpack.pipeline.lock import Held
    from scratchpack.pipeline.model import Plan, Rooted
    from scratchpack.pipeline.runs.expectation import Rehearsal
    from scratchpack.pipeline.writer import Step
    from scratchpack.request.model import Request


def pack(
    binaries: StrPath | Iterable[StrPath],
    options: Options | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    progress: Step | None = None,
) -> Packed:
    """Plan, build and write; everything is checked before the first byte of an output takes its place.

    Args:
        binaries: one path or several; the first is the entrypoint.
        options: as on the command line; no settings file and no ``SCRATCHPACK_*`` is read.
        environ: where ``SOURCE_DATE_EPOCH`` and ``env="NAME"`` are looked up; ``os.environ`` where it is not given.
        progress: is called with (what, bytes done, bytes in all).

    Raises:
        ScratchpackError: of the kinds in :mod:`scratchpack.errors`; nothing was published then.
    """
    from scratchpack.request.given import paths

    asked = request(options, "pack", environ)
    return carry_out(paths(binaries), asked, progress=progress)


def carry_out(
    binaries: Sequence[str],
    asked: Request,
    *,
    settings: str | None = None,
    progress: Step | None = None,
    rehearsal: Rehearsal | None = None,
) -> Packed:
    """Do what was asked for, as :func:`pack` does; ``settings`` is the settings file that was read.

    With a ``rehearsal`` the program is run first: it shows what it opens, and the result is run as the proof.
    """
    if asked.each:
        raise UsageError(
            "cannot make a fleet with pack(), which makes one image",
            hint="call it once for each, or use the command line",
        )
    if asked.sbom is not None:
        from scratchpack import sbom

        sbom.require()
    inputs = inputs_of(binaries, asked, settings)
    expected = os.path.basename(binaries[0]) if binaries else ""
    refuse_collisions(inputs, outputs_of(asked, placed_outputs(asked, expected), expected))
    lock = None
    if asked.locked is not None and not asked.update_lock:
        from scratchpack.pipeline.lock import read_lock

        lock = read_lock(asked.locked)
    with Roots(asked.root) as roots, contextlib.ExitStack() as stack:
        if asked.onto is not None:
            from scratchpack.pipeline.base import planned_onto

            plans = planned_onto(binaries, asked, roots, stack)
        else:
            plans = planned(binaries, asked, roots)
        if rehearsal is not None or asked.trace_from:
            from scratchpack.pipeline.runs.traced import with_traces

            if asked.onto is not None:
                raise UsageError(
                    "cannot trace with --onto", hint="trace with --trace-to FILE first, and --include what it names"
                )
            plans = with_traces(plans, asked, roots, rehearsal, replan=partial(planned, binaries, roots=roots))
        name = os.path.basename(plans[0].programs[0].path)
        return write_plans(plans, asked, name, inputs, (roots,) * len(plans), lock=lock, progress=progress)


def write_plans(
    plans: tuple[Plan, ...],
    asked: Request,
    name: str,
    inputs: Iterable[UsedPath],
    roots: Sequence[Rooted],
    *,
    lock: Mapping[str, Held] | None = None,
    progress: Step | None = None,
) -> Packed:
    """Write what was planned to every output.

    Args:
        plans: one a platform.
        asked: where it goes.
        name: the file name that the image and its files are called after, where the request does not say.
        inputs: what the run reads by name: no output takes its place.
        roots: those of each plan.
        lock: what the plans are held against.
        progress: is called with (what, bytes done, bytes in all).
    """
    if lock is not None:
        from scratchpack.pipeline.locked import hold_plans

        hold_plans(asked.locked or "", lock, plans)
    wanted = placed_outputs(asked, name)
    if len(plans) > 1 and (tree := next((output for output in wanted if output.type in TREES), None)):
        raise UsageError(f"cannot write -o type={tree.type} for several platforms", hint="pack each platform by itself")
    places = outputs_of(asked, wanted, name, [str(plan_.platform) for plan_ in plans] if len(plans) > 1 else ())
    refuse_collisions(inputs, places)
    for plan_ in plans:
        refuse_replacing_files(places, plan_.rootfs)
    references = references_of(asked, name)
    if asked.dry_run:
        return Packed(plans, None, references, ())
    from scratchpack.pipeline.annotations import standard_annotations
    from scratchpack.pipeline.build import build_release
    from scratchpack.pipeline.writer import Writer

    outside: Mapping[str, str] = {}
    if asked.annotate == "git":
        from scratchpack.pipeline.git import git_annotations

        outside = git_annotations()
    standard = standard_annotations(plans, outside)
    step = progress or _silent
    with contextlib.ExitStack() as stack:
        boms = None
        if asked.sbom is not None:
            boms, plans = _bills(plans, asked, references, roots)
        build = partial(build_release, plans, asked, references, standard, progress=step)
        writer = Writer(build, asked, name, stack, step, tree=(plans[0].rootfs, plans[0].config), boms=boms)
        receipts = writer.write_all(wanted)
        packed = Packed(plans, writer.release, references, receipts)
        if asked.iidfile is not None or asked.metadata_file is not None or asked.update_lock:
            from scratchpack.pipeline.record import write_records

            write_records(packed, asked)
        return packed


def _bills(
    plans: tuple[Plan, ...], asked: Request, references: tuple[str, ...], roots: Sequence[Rooted]
) -> tuple[Boms, tuple[Plan, ...]]:
    """The bills of materials, and the plans with what could not be found out for them."""
    from scratchpack.pipeline.bill import bill_of
    from scratchpack.pipeline.boms import Boms

    found = [
        bill_of(plan_, references[0], asked.mtime, one.host, one.root) for plan_, one in zip(plans, roots, strict=True)
    ]
    plans = tuple(
        plan_._replace(warnings=(*plan_.warnings, *problems)) for plan_, (_, problems) in zip(plans, found, strict=True)
    )
    return Boms(asked.sbom or "spdx", tuple(bill for bill, _ in found)), plans


def _silent(_what: str, _done: int, _total: int) -> None:
    return


def references_of(asked: Request, name: str) -> tuple[str, ...]:
    """The image's names: those that were given, else the one that its program's file name makes."""
    from scratchpack.oci.reference import from_file_name

    return asked.tag or (str(from_file_name(name)),)
