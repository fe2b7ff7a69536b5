"""Build once, write everywhere: the layers are made in the first archive that is written, and the other outputs read them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from scratchpack.request.model import TREES
from scratchpack.sinks.model import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from scratchpack.oci.model import ImageConfig, Release
    from scratchpack.oci.spool import Spool
    from scratchpack.pipeline.boms import Boms
    from scratchpack.request.model import Request
    from scratchpack.rootfs import Rootfs
    from scratchpack.sinks.archive import Archive
    from scratchpack.sinks.layout import OciLayout
    from scratchpack.sinks.model import Receipt, TreeSink
    from scratchpack.sinks.registry import RegistrySink

    Step = Callable[[str, int, int], None]


class Build(Protocol):
    """Makes the release of one run, its layers compressed so and written into a spool."""

    def __call__(self, *, spool: Spool, compression: str, level: int | None) -> Release:
        """Build it."""


def image_sink(output: Output, mtime: int) -> Archive | OciLayout:
    """The file or directory that images go to; also the spool that their layers are built in."""
    dest = output.dest or ""
    if output.type == "docker" or output.tar:
        from scratchpack.sinks.archive import Archive

        return Archive(dest, kind=output.type, mtime=mtime)
    from scratchpack.sinks.layout import OciLayout

    return OciLayout(dest, force=output.force)


def registry_sink(output: Output, asked: Request, progress: Step) -> RegistrySink:
    """The registry that the references name, or that ``dest=`` of the output names."""
    from scratchpack.sinks.registry import RegistrySink

    return RegistrySink(
        [output.dest] if output.dest else None,
        insecure=asked.insecure_registry,
        token_servers=asked.token_server,
        progress=progress,
        mounts=_mounts(asked),
    )


def _mounts(asked: Request) -> tuple[str, ...]:
    """The base, where it is an image of a registry."""
    if asked.onto is None:
        return ()
    from scratchpack.images.open import understand

    base = understand(asked.onto)
    return (base.reference,) if base.kind == "registry" else ()


class Writer:
    """Makes one release a compression, in the first archive of that compression where there is one.

    Args:
        build: makes it.
        asked: where it goes, and the time of what is written.
        name: what a bill of materials is called after where no output has a name.
        stack: keeps open what releases are read from.
        progress: is called with (what, bytes done, bytes in all).
        tree: the files and the configuration, for the outputs that are no image.
        boms: the bills of materials, where they are asked for.
    """

    def __init__(
        self,
        build: Build,
        asked: Request,
        name: str,
        stack: contextlib.ExitStack,
        progress: Step,
        *,
        tree: tuple[Rootfs, ImageConfig] | None = None,
        boms: Boms | None = None,
    ) -> None:
        self._build, self._asked, self._name, self._tree, self._boms = build, asked, name, tree, boms
        self._mtime, self._progress, self._stack = asked.mtime, progress, stack
        self._releases: dict[tuple[str, int | None], Release] = {}

    @property
    def release(self) -> Release | None:
        """The release that was made first, for the metadata file."""
        return next(iter(self._releases.values()), None)

    def write_all(self, outputs: tuple[Output, ...]) -> tuple[Receipt, ...]:
        """Write every output, load and push as asked."""
        receipts = tuple(receipt for output in outputs for receipt in self.write(output))
        if self._asked.load:
            receipts += self.load(self._asked.load)
            if self._boms is not None and not outputs:
                receipts += self._boms.beside(self._name, self.release)
        if self._asked.push:
            receipts += self.push()
        return receipts

    def write(self, output: Output) -> tuple[Receipt, ...]:
        """Write one output."""
        dest = output.dest or ""
        if output.type in TREES and self._tree is not None:
            return (self._tree_sink(output, dest).write(*self._tree), *self._beside(dest, None))
        if output.type == "registry":
            return self.push(output)
        sink = image_sink(output, self._mtime)
        self._stack.enter_context(contextlib.closing(sink))
        release = self._release(output, sink)
        return (*sink.write(release), *self._beside(dest, release))

    def _beside(self, dest: str, release: Release | None) -> tuple[Receipt, ...]:
        """The bill of materials of one output; of one that goes to stdout, in the working directory."""
        if self._boms is None:
            return ()
        return self._boms.beside(self._name if dest == "-" else dest, release)

    def _tree_sink(self, output: Output, dest: str) -> TreeSink:
        if output.type == "dockerfile":
            from scratchpack.sinks.dockerfile import DockerfileContext

            return DockerfileContext(dest, force=output.force, mtime=self._mtime)
        if output.type == "tar":
            from scratchpack.sinks.tar import RootfsTar

            return RootfsTar(dest, mtime=self._mtime)
        from scratchpack.sinks.local import LocalTree

        return LocalTree(dest, force=output.force, mtime=self._mtime)

    def push(self, output: Output | None = None) -> tuple[Receipt, ...]:
        """Push to the registry that the references name, or that ``dest=`` of the output names."""
        chosen = output or Output("registry")
        release = self._ready(chosen)
        if self._boms is not None:
            from scratchpack.oci.model import Release

            release = Release((release.only._replace(referrers=self._boms.referrers(release)),))
        return registry_sink(chosen, self._asked, self._progress).write(release)

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
            self._releases[key] = self._build(spool=spool, compression=output.compression, level=output.level)
        return self._releases[key]
