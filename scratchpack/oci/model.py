"""The values that leave for an engine or a registry. A digest is of stored bytes; a diff_id of the uncompressed layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scratchpack.elf.machines import Platform

MEDIA_INDEX = "application/vnd.oci.image.index.v1+json"
MEDIA_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
MEDIA_CONFIG = "application/vnd.oci.image.config.v1+json"
MEDIA_LAYER = "application/vnd.oci.image.layer.v1.tar"
MEDIA_EMPTY = "application/vnd.oci.empty.v1+json"


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
    carried: Mapping[
        str, Any
    ] = {}  # of an image that this one was made from: fields of its config that none of these says
    history: tuple[str, ...] = ()  # of the lowest layers, those of a base: the instruction of each
    carried_above: Mapping[str, Any] = {}  # likewise, of the document around it: author, os.version


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


class Tagged(NamedTuple):
    """What one set of names points at: one image, or images of several platforms under one index (I5)."""

    images: tuple[Image, ...]
    references: tuple[str, ...]  # full references, "docker.io/library/hello:latest" or as given
    index_blob: Blob | None = None  # only with several platforms
    referrers: tuple[Referrer, ...] = ()
    annotations: Mapping[str, str] = {}

    @property
    def top(self) -> Blob:
        """What a tag points at: the index where there are several platforms, else the manifest."""
        return self.index_blob if self.index_blob is not None else self.images[0].manifest_blob


class Release(NamedTuple):
    """Everything that leaves together: one image under its names, or many images, each under its own (a fleet)."""

    tagged: tuple[Tagged, ...]

    @property
    def images(self) -> tuple[Image, ...]:
        """Every image, of every name and platform."""
        return tuple(image for tagged in self.tagged for image in tagged.images)

    @property
    def references(self) -> tuple[str, ...]:
        """Every name."""
        return tuple(reference for tagged in self.tagged for reference in tagged.references)

    @property
    def referrers(self) -> tuple[Referrer, ...]:
        """Every artifact about one of the images."""
        return tuple(referrer for tagged in self.tagged for referrer in tagged.referrers)

    @property
    def only(self) -> Tagged:
        """The one image (or index) of a release that is no fleet.

        Raises:
            ValueError: it is a fleet.
        """
        (tagged,) = self.tagged
        return tagged

    @property
    def top(self) -> Blob:
        """What the names of a release that is no fleet point at."""
        return self.only.top

    @property
    def index_blob(self) -> Blob | None:
        """The index of a release that is no fleet, where it has several platforms."""
        return self.only.index_blob

    def each(self) -> tuple[Release, ...]:
        """A fleet as releases of one image each, for those who take one at a time."""
        return tuple(Release((tagged,)) for tagged in self.tagged)
