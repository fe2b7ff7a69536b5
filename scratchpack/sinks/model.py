"""What was asked for with ``-o`` and what was written."""

from __future__ import annotations

from scratchpack.record import NamedTuple


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
    dest: str  # path, "-" or "repo@sha256:…"
    digest: str | None = None
