"""What was asked for with ``-o``, the two kinds of sinks that do it, and what was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from scratchpack.oci.model import ImageConfig, Release
    from scratchpack.rootfs import Rootfs


class Output(NamedTuple):
    """One ``-o type=…`` of the command line. ``dest`` is a path, or "-" for stdout."""

    type: str  # "docker" | "oci" | "local" | "tar" | "dockerfile" | "registry"
    dest: str | None = None
    compression: str = "gzip"  # "gzip" | "zstd" | "none"
    level: int | None = None
    tar: bool = True  # type=oci: an archive, or with tar=false a layout directory
    force: bool = False


class Receipt(NamedTuple):
    """What a sink wrote: the line for stdout, and for ``--metadata-file``."""

    type: str
    dest: str  # path, "-", "repo@sha256:…", or the reference by which an engine has it
    digest: str | None = None
    engine: str | None = None  # of what was loaded: "docker" | "podman" | "containerd"


class ImageSink(Protocol):
    """Where images go: an archive, a layout, registries, an engine."""

    def write(self, release: Release) -> tuple[Receipt, ...]:
        """Write every image under its names; a receipt a place, since names may be of several registries.

        Raises:
            OutputError: a file could not be written; what stood there still does (S19).
            UsageError: the release has no name, where one is needed.
            RemoteError: a registry or an engine refused.
        """


class TreeSink(Protocol):
    """Where a root filesystem goes without being an image: a tar, a directory, the context of a Dockerfile."""

    def write(self, rootfs: Rootfs, config: ImageConfig) -> Receipt:
        """Write and publish.

        Raises:
            InputError: an entry that cannot be carried, or a source that changed while it was read (S10).
            OutputError: it could not be written (S19), or something stands there (S17).
        """


def written(kind: str, dest: str, release: Release) -> Receipt:
    """The receipt of one file or directory; a fleet has no single digest."""
    return Receipt(kind, dest, release.top.digest if len(release.tagged) == 1 else None)
