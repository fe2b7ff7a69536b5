"""The values that leave for an engine or a registry. A digest is of stored bytes; a diff_id of the uncompressed layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scratchpack.elf.machines import Platform

MEDIA_INDEX = "application/vnd.oci.image.index.v1+json"
MEDIA_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
MEDIA_CONFIG = "application/vnd.oci.image.config.v1+json"
MEDIA_LAYER = "application/vnd.oci.image.layer.v1.tar"
MEDIA_EMPTY = "application/vnd.oci.empty.v1+json"


class Descriptor(NamedTuple):
    """What one document says of a blob. ``size`` is bytes, ``digest`` is ``sha256:<hex>``."""

    media_type: str
    digest: str
    size: int
    annotations: tuple[tuple[str, str], ...] = ()
    platform: Platform | None = None
    artifact_type: str | None = None


class Blob(NamedTuple):
    """Stored bytes that can be opened any number of times; never held in memory by this type."""

    media_type: str
    digest: str
    size: int
    open: Callable[[], BinaryIO]


class Layer(NamedTuple):
    """A layer, built and compressed once."""

    blob: Blob
    diff_id: str
    uncompressed_size: int
    annotations: tuple[tuple[str, str], ...] = ()


class Healthcheck(NamedTuple):
    """Docker's extension of the config (I18). Durations are nanoseconds, 0 = the engine's default."""

    test: tuple[str, ...]
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    retries: int = 0


class ImageConfig(NamedTuple):
    """What an engine needs to start the image, besides its layers."""

    platform: Platform
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    user: str = "65532:65532"
    working_dir: str = ""
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    stop_signal: str = ""
    healthcheck: Healthcheck | None = None
    created: str | None = None  # RFC 3339 or absent (I7)
    author: str = ""


class Image(NamedTuple):
    """One platform's image: its config and manifest as the very bytes that will be stored."""

    config: ImageConfig
    layers: tuple[Layer, ...]
    config_blob: Blob
    manifest_blob: Blob

    @property
    def platform(self) -> Platform:
        """The platform that the config names."""
        return self.config.platform


class Referrer(NamedTuple):
    """An artifact that names an image as its subject: an SBOM."""

    artifact_type: str
    manifest_blob: Blob
    config_blob: Blob
    blobs: tuple[Blob, ...]
    subject: str  # digest of the manifest or index it is about


class Release(NamedTuple):
    """Everything that leaves together: one image, or several under one index (I5), and the names it goes by."""

    images: tuple[Image, ...]
    references: tuple[str, ...]  # full references, "docker.io/library/hello:latest" or as given
    index_blob: Blob | None = None  # only with several platforms
    referrers: tuple[Referrer, ...] = ()
    annotations: Mapping[str, str] = {}

    @property
    def top(self) -> Blob:
        """What a tag points at: the index where there are several platforms, else the manifest."""
        return self.index_blob if self.index_blob is not None else self.images[0].manifest_blob
