"""The request itself: what one run is asked for, every value typed and checked. Values only; :func:`scratchpack.request.request` makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scratchpack.elf.machines import Platform
    from scratchpack.oci.model import Healthcheck
    from scratchpack.sinks.model import Output

DEFAULT_USER = "65532:65532"
SHARED = "shared"  # of Request.layers
TREES = frozenset({"tar", "local", "dockerfile"})  # types of output that are files, and no image
# an option that names what a need puts into the image -> that need: it asks for it, too
IMPLIED = {"timezone": "timezone", "locale": "locale", "service": "pam", "ca_bundle": "ca-certificates"}
COMMANDS = ("pack", "slim", "squash", "dockerfile", "inspect", "verify", "verify-image", "analyze")


class Annotations(NamedTuple):
    """What ``--annotation`` says, by where it goes."""

    of_manifest: tuple[tuple[str, str], ...] = ()
    of_index: tuple[tuple[str, str], ...] = ()


class MadeDirectory(NamedTuple):
    """One ``--directory``."""

    path: str
    mode: int = 0o755
    owner: str = ""  # UID[:GID] or names; empty: the image's user
    why: str = ""  # who asks for it, where that is no --directory


class Request(NamedTuple):
    """What one run is asked for. A field is named as its setting; a path is as it was typed."""

    command: str = "pack"
    output: tuple[Output, ...] = ()  # dest is None where the program's name decides
    tag: tuple[str, ...] = ()  # full references: docker.io/library/app:latest
    platform: tuple[Platform, ...] = ()  # a variant is empty where none was given
    load: str | None = None  # "auto" or an engine's name
    push: bool = False
    insecure_registry: tuple[str, ...] = ()
    token_server: tuple[str, ...] = ()
    sbom: str | None = None
    package_db: bool | None = None  # None: nobody says
    iidfile: str | None = None
    metadata_file: str | None = None
    locked: str | None = None
    update_lock: bool = False
    force: bool = False
    dry_run: bool = False
    quiet: bool = False
    verbose: bool = False
    progress: str | None = None
    layers: str | None = None  # "single" | "shared"
    max_layers: int | None = None
    each: bool = False
    shard: tuple[int, int] | None = None  # (I, N), from (1, N) to (N, N)
    jobs: int | None = None
    scheduler: str | None = None
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    user: str | None = None
    workdir: str | None = None
    expose: tuple[str, ...] = ()  # PORT/PROTOCOL
    volume: tuple[str, ...] = ()
    directory: tuple[MadeDirectory, ...] = ()
    label: tuple[tuple[str, str], ...] = ()
    annotation: Annotations = Annotations()
    annotate: str | None = None
    stop_signal: str | None = None
    healthcheck: Healthcheck | None = None  # that of the probe as well
    probe: Healthcheck | None = None
    created: str | None = None  # RFC 3339
    root: str | None = None
    onto: str | None = None  # an image argument
    at: str | None = None
    cpu: str | None = None
    assume_static: bool = False
    strip: bool = False
    strip_libraries: bool = False
    preserve_modes: bool = False
    preserve_privileges: bool = False
    include: tuple[str, ...] = ()
    library_path: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    need: Mapping[str, str] = {}  # need -> "auto" | "always" | "never"
    locale: tuple[str, ...] = ()
    timezone: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    ca_bundle: str | None = None
    trace_from: tuple[str, ...] = ()
    traced: tuple[tuple[str, str], ...] = ()  # no option: paths of the root that runs opened, and why each is added
    mtime: int = 0  # seconds since 1970, of every file of the image
    notes: tuple[str, ...] = ()  # options that have no effect here, each a line for the report

    @property
    def account(self) -> str:
        """Who the image runs as; a configuration that names nobody means root."""
        return DEFAULT_USER if self.user is None else self.user or "0"
