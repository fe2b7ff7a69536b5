"""Build once, write everywhere: binaries and a request go in; outputs are written and receipts come out.

The layer is made in the first archive that is written, and the other outputs read it there.
"""

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
from scratchpack.sinks.model import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from scratchpack.config import Options
    from scratchpack.config.options import StrPath
    from scratchpack.oci.model import Release
    from scratchpack.oci.spool import Spool
    from scratchpack.pipeline.boms import Boms
    from scratchpack.pipeline.model import Plan
    from scratchpack.pipeline.runs.expectation import Rehearsal
    from scratchpack.request.model import Request
    from scratchpack.sinks.archive import Archive
    from scratchpack.sinks.layout import OciLayout
    from scratchpack.sinks.model import Receipt, TreeSink

    Step = Callable[[str, int, int], None]


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
    with Roots(asked.root) as roots:
        plans = planned(binaries, asked, roots)
        if rehearsal is not None or asked.trace_from:
            from scratchpack.pipeline.runs.traced import with_traces

            plans = with_traces(plans, asked, roots, rehearsal, replan=partial(planned, binaries, roots=roots))
        if lock is not None:
            from scratchpack.pipeline.locked import hold_plans

            hold_plans(asked.locked or "", lock, plans)
        first = os.path.basename(plans[0].programs[0].path)
        wanted = placed_outputs(asked, first)
        if len(plans) > 1 and (tree := next((output for output in wanted if output.type in TREES), None)):
            raise UsageError(
                f"cannot write -o type={tree.type} for several platforms", hint="pack each platform by itself"
            )
        places = outputs_of(asked, wanted, first, [str(plan_.platform) for plan_ in plans] if len(plans) > 1 else ())
        refuse_collisions(inputs, places)
        for plan_ in plans:
            refuse_replacing_files(places, plan_.rootfs)
        return _write(plans, asked, wanted, roots, progress or _silent)


def _write(plans: tuple[Plan, ...], asked: Request, wanted: tuple[Output, ...], roots: Roots, progress: Step) -> Packed:
    first = os.path.basename(plans[0].programs[0].path)
    references = _references(asked, first)
    if asked.dry_run:
        return Packed(plans, None, references, ())
    from scratchpack.pipeline.annotations import standard_annotations

    outside: Mapping[str, str] = {}
    if asked.annotate == "git":
        from scratchpack.pipeline.git import git_annotations

        outside = git_annotations()
    standard = standard_annotations(plans, outside)
    with contextlib.ExitStack() as stack:
        boms = None
        if asked.sbom is not None:
            boms, plans = _bills(plans, asked, references, roots)
        writer = _Writer(plans, asked, references, progress, stack, standard, boms)
        receipts = tuple(receipt for output in wanted for receipt in writer.write(output))
        if asked.load:
            receipts += writer.load(asked.load)
            if boms is not None and not wanted:
                receipts += boms.beside(first, writer.release)
        if asked.push:
            receipts += writer.push()
        packed = Packed(plans, writer.release, references, receipts)
        if asked.iidfile is not None or asked.metadata_file is not None or asked.update_lock:
            from scratchpack.pipeline.record import write_records

            write_records(packed, asked)
        return packed


def _bills(
    plans: tuple[Plan, ...], asked: Request, references: tuple[str, ...], roots: Roots
) -> tuple[Boms, tuple[Plan, ...]]:
    """The bills of materials, and the plans with what could not be found out for them."""
    from scratchpack.pipeline.bill import bill_of
    from scratchpack.pipeline.boms import Boms

    found = [bill_of(plan_, references[0], asked.mtime, roots.host, roots.root) for plan_ in plans]
    plans = tuple(
        plan_._replace(warnings=(*plan_.warnings, *problems)) for plan_, (_, problems) in zip(plans, found, strict=True)
    )
    return Boms(asked.sbom or "spdx", tuple(bill for bill, _ in found)), plans


def _silent(_what: str, _done: int, _total: int) -> None:
    return


def _references(asked: Request, name: str) -> tuple[str, ...]:
    from scratchpack.oci.reference import from_file_name

    return asked.tag or (str(from_file_name(name)),)


class _Writer:
    """Makes one release a compression, in the first archive of that compression where there is one."""

    def __init__(
        self,
        plans: tuple[Plan, ...],
        asked: Request,
        references: tuple[str, ...],
        progress: Step,
        stack: contextlib.ExitStack,
        standard: tuple[dict[str, str], ...],
        boms: Boms | None,
    ) -> None:
        self._standard, self._boms = standard, boms
        self._plans, self._asked, self._references = plans, asked, references
        self._mtime, self._progress, self._stack = asked.mtime, progress, stack
        self._releases: dict[tuple[str, int | None], Release] = {}

    @property
    def release(self) -> Release | None:
        """The release that was made first, for the metadata file."""
        return next(iter(self._releases.values()), None)

    def write(self, output: Output) -> tuple[Receipt, ...]:
        """Write one output."""
        dest = output.dest or ""
        if output.type in TREES:
            plan_ = self._plans[0]
            return (self._tree_sink(output, dest).write(plan_.rootfs, plan_.config), *self._beside(dest, None))
        if output.type == "registry":
            return self.push(output)
        sink = self._image_sink(output, dest)
        self._stack.enter_context(contextlib.closing(sink))
        release = self._release(output, sink)
        return (*sink.write(release), *self._beside(dest, release))

    def _beside(self, dest: str, release: Release | None) -> tuple[Receipt, ...]:
        """The bill of materials of one output; of one that goes to stdout, in the working directory."""
        if self._boms is None:
            return ()
        name = os.path.basename(self._plans[0].programs[0].path)
        return self._boms.beside(name if dest == "-" else dest, release)

    def _tree_sink(self, output: Output, dest: str) -> TreeSink:
        if output.type == "dockerfile":
            from scratchpack.sinks.dockerfile import DockerfileContext

            return DockerfileContext(dest, force=output.force, mtime=self._mtime)
        if output.type == "tar":
            from scratchpack.sinks.tar import RootfsTar

            return RootfsTar(dest, mtime=self._mtime)
        from scratchpack.sinks.local import LocalTree

        return LocalTree(dest, force=output.force, mtime=self._mtime)

    def _image_sink(self, output: Output, dest: str) -> Archive | OciLayout:
        if output.type == "docker" or output.tar:
            from scratchpack.sinks.archive import Archive

            return Archive(dest, kind=output.type, mtime=self._mtime)
        from scratchpack.sinks.layout import OciLayout

        return OciLayout(dest, force=output.force)

    def push(self, output: Output | None = None) -> tuple[Receipt, ...]:
        """Push to the registry that the references name, or that ``dest=`` of the output names."""
        from scratchpack.sinks.registry import RegistrySink

        chosen = output or Output("registry")
        release = self._ready(chosen)
        if self._boms is not None:
            from scratchpack.oci.model import Release

            release = Release((release.only._replace(referrers=self._boms.referrers(release)),))
        sink = RegistrySink(
            [chosen.dest] if chosen.dest else None,
            insecure=self._asked.insecure_registry,
            token_servers=self._asked.token_server,
            progress=self._progress,
        )
        return sink.write(release)

    def load(self, engine: str) -> tuple[Receipt, ...]:
        """Load into an engine of this machine, "auto" for the first that answers."""
        from scratchpack.sinks.engine import EngineSink

        return EngineSink(engine, progress=self._progress).write(self._ready(Output("engine")))

    def _ready(self, output: Output) -> Release:
        """The release for an output that is no file: one that is made already, unless it asks for another compression."""
        release = self._releases.get((output.compression, output.level))
        if release is None and (output.compression, output.level) == ("gzip", None):  # what nothing was said of
            release = self.release
        if release is None:
            from scratchpack.oci.spool import TemporarySpool

            release = self._release(output, self._stack.enter_context(TemporarySpool()))
        return release

    def _release(self, output: Output, spool: Spool) -> Release:
        key = (output.compression, output.level)
        if key not in self._releases:
            self._releases[key] = self._build(*key, spool)
        return self._releases[key]

    def _build(self, compression: str, level: int | None, spool: Spool) -> Release:
        from scratchpack.oci.image import make_image
        from scratchpack.oci.index import make_release
        from scratchpack.oci.layer import build_layer

        manifest, index = dict(self._asked.annotation.of_manifest), dict(self._asked.annotation.of_index)
        if len(self._plans) > 1:
            from scratchpack.pipeline.annotations import common

            index = {**common(self._standard), **index}
        images = []
        for plan_, standard in zip(self._plans, self._standard, strict=True):
            layer = build_layer(
                plan_.rootfs,
                spool=spool,
                compression=compression,
                level=level,
                mtime=self._mtime,
                on_progress=partial(self._tell, f"packing {plan_.platform}", plan_.rootfs.size),
            )
            images.append(make_image(plan_.config, [layer], annotations={**standard, **manifest}))
        return make_release(images, self._references, index_annotations=index)

    def _tell(self, what: str, total: int, done: int) -> None:
        self._progress(what, done, total)
