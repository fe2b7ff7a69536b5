"""Build once, write everywhere: the layer is made in the first archive that is written, and the other outputs read it."""

from __future__ import annotations

import contextlib
import os
from functools import partial
from typing import TYPE_CHECKING

from scratchpack.config import Options
from scratchpack.errors import UsageError
from scratchpack.pipeline.model import Packed
from scratchpack.pipeline.plan import plan
from scratchpack.pipeline.settings import creation_time, outputs, scoped_annotations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scratchpack.oci.model import Release
    from scratchpack.oci.spool import Spool
    from scratchpack.pipeline.model import Plan
    from scratchpack.sinks.archive import Archive
    from scratchpack.sinks.model import Output, Receipt

    Step = Callable[[str, int, int], None]

_TREE = frozenset({"tar", "local", "dockerfile"})
_ARCHIVE = frozenset({"docker", "oci"})


def pack(
    binaries: Sequence[str],
    options: Options | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    progress: Step | None = None,
) -> Packed:
    """Plan, build and write; everything is checked before the first byte of an output takes its place.

    ``progress`` is told (what, bytes done, bytes in all).

    Raises:
        ScratchpackError: of the kinds in :mod:`scratchpack.errors`; nothing was published then.
    """
    options = options or Options()
    environ = os.environ if environ is None else environ
    plans = plan(binaries, options, environ=environ)
    first = os.path.basename(plans[0].programs[0].path)
    wanted = outputs(options, first)
    if len(plans) > 1 and (tree := next((output for output in wanted if output.type in _TREE), None)):
        raise UsageError(f"cannot write -o type={tree.type} for several platforms", hint="pack each platform by itself")
    references = _references(options, first)
    if options.dry_run:
        return Packed(plans, None, references, ())
    mtime, _ = creation_time(options, environ)
    with contextlib.ExitStack() as stack:
        writer = _Writer(plans, options, references, mtime, progress or _silent, stack)
        receipts = tuple(writer.write(output) for output in wanted)
        return Packed(plans, writer.release_of(wanted), references, receipts)


def _silent(_what: str, _done: int, _total: int) -> None:
    return


def _references(options: Options, name: str) -> tuple[str, ...]:
    from scratchpack.oci.reference import from_file_name, parse

    return tuple(str(parse(tag)) for tag in options.tag) or (str(from_file_name(name)),)


class _Writer:
    """Makes one release a compression, in the first archive of that compression where there is one."""

    def __init__(
        self,
        plans: tuple[Plan, ...],
        options: Options,
        references: tuple[str, ...],
        mtime: int,
        progress: Step,
        stack: contextlib.ExitStack,
    ) -> None:
        self._plans, self._options, self._references = plans, options, references
        self._mtime, self._progress, self._stack = mtime, progress, stack
        self._releases: dict[tuple[str, int | None], Release] = {}

    def release_of(self, wanted: Sequence[Output]) -> Release | None:
        """The release of the first image output, for the metadata file."""
        return next(iter(self._releases.values()), None) if wanted else None

    def write(self, output: Output) -> Receipt:
        """Write one output."""
        if output.type in _ARCHIVE and output.tar:
            archive = self._stack.enter_context(self._archive(output))
            return archive.write(self._release(output, archive))
        raise UsageError(f"cannot write -o type={output.type}")

    def _archive(self, output: Output) -> Archive:
        from scratchpack.sinks.docker import DockerArchive
        from scratchpack.sinks.oci import OciArchive

        kind = DockerArchive if output.type == "docker" else OciArchive
        return kind(output.dest or "", mtime=self._mtime)

    def _release(self, output: Output, spool: Spool) -> Release:
        key = (output.compression, output.level)
        if key not in self._releases:
            self._releases[key] = self._build(*key, spool)
        return self._releases[key]

    def _build(self, compression: str, level: int | None, spool: Spool) -> Release:
        from scratchpack.oci.image import make_image
        from scratchpack.oci.index import make_release
        from scratchpack.oci.layer import build_layer

        manifest, index = scoped_annotations(self._options.annotation)
        images = []
        for plan_ in self._plans:
            layer = build_layer(
                plan_.rootfs,
                spool=spool,
                compression=compression,
                level=level,
                mtime=self._mtime,
                on_progress=partial(self._tell, f"packing {plan_.platform}", plan_.rootfs.size),
            )
            images.append(make_image(plan_.config, [layer], annotations=manifest))
        return make_release(images, self._references, index_annotations=index)

    def _tell(self, what: str, total: int, done: int) -> None:
        self._progress(what, done, total)
