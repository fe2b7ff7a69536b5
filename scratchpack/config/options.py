"""Every setting's value, as a Python caller or the command line gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from scratchpack.sinks.model import Output

    # what a Python caller may give where the command line has text (scratchpack.request.given)
    StrPath = str | os.PathLike[str]
    Texts = str | Sequence[str]
    Paths = StrPath | Sequence[StrPath]
    Pairs = str | Sequence[str] | Mapping[str, str | int | None]


# Settings of a whole run; all others are of one image, and a fleet file may give each image its own.
RUN = (
    "output", "load", "push", "insecure_registry", "token_server", "sbom", "iidfile", "metadata_file", "locked", "update_lock", "force",
    "dry_run", "quiet", "progress", "each", "shard", "jobs", "scheduler",
)  # fmt: skip


class Options(NamedTuple):
    """Every setting's value; :data:`scratchpack.config.SETTINGS` says what each means. What is repeatable takes one value or a sequence of them."""

    output: str | Output | Sequence[str | Output] = ()
    tag: Texts = ()
    platform: Texts | None = None
    load: str | bool | None = None
    push: bool = False
    insecure_registry: Texts = ()
    token_server: Texts = ()
    sbom: str | None = None
    package_db: bool | None = None
    iidfile: StrPath | None = None
    metadata_file: StrPath | None = None
    locked: StrPath | None = None
    update_lock: bool = False
    force: bool = False
    dry_run: bool = False
    quiet: bool = False
    verbose: bool = False
    progress: str | None = None
    layers: str | None = None
    max_layers: str | int | None = None
    each: bool = False
    shard: str | None = None
    jobs: str | int | None = None
    scheduler: str | None = None
    entrypoint: Texts | None = None
    cmd: Texts | None = None
    env: Pairs = ()
    user: str | int | None = None
    workdir: StrPath | None = None
    expose: str | int | Sequence[str | int] = ()
    volume: Paths = ()
    directory: Texts = ()
    label: Pairs = ()
    annotation: Pairs = ()
    annotate: str | None = None
    stop_signal: str | int | None = None
    healthcheck: Texts | None = None
    probe: str | None = None
    created: str | int | datetime | None = None
    root: StrPath | None = None
    onto: StrPath | None = None
    at: StrPath | None = None
    cpu: str | None = None
    assume_static: bool = False
    strip: bool = False
    strip_libraries: bool = False
    preserve_modes: bool = False
    preserve_privileges: bool = False
    include: Paths | Mapping[str, StrPath | None] = ()
    library_path: Paths = ()
    exclude: Texts = ()
    trace_from: Paths = ()
    need: Pairs = ()
    locale: Texts = ()
    timezone: Texts = ()
    service: Texts = ()
    ca_bundle: StrPath | None = None

    def __repr__(self) -> str:
        given = zip(self._fields, self, self._field_defaults.values(), strict=True)
        return f"Options({', '.join(f'{name}={value!r}' for name, value, default in given if value != default)})"
