"""Small images for the tests of writers and readers."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from scratchpack.elf.machines import Platform
from scratchpack.oci.image import make_image
from scratchpack.oci.index import make_release
from scratchpack.oci.layer import build_layer
from scratchpack.oci.model import ImageConfig
from scratchpack.rootfs import File, Rootfs, inline
from scratchpack.sinks.archive import Archive

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scratchpack.oci.model import Image, Release
    from scratchpack.oci.spool import Spool

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64", "v8")


def noise(size: int, seed: str = "") -> bytes:
    """Bytes that compress to about half, the same in every run."""
    words = (hashlib.sha256(f"{seed}{number}".encode()).hexdigest().encode() for number in range(size // 64 + 1))
    return b"".join(words)[:size]


def hello(data: bytes = b"\x7fELF not really", path: str = "/hello") -> Rootfs:
    """One file, as of a static binary."""
    return Rootfs([File(path, inline(data), mode=0o755)])


def image(spool: Spool, rootfs: Rootfs | None = None, platform: Platform = AMD64, compression: str = "gzip") -> Image:
    """One layer, one image."""
    layer = build_layer(rootfs or hello(), spool=spool, compression=compression)
    return make_image(ImageConfig(platform, entrypoint=("/hello",)), [layer])


def docker_archive(
    dest: Path, rootfs: Rootfs | None = None, references: Sequence[str] = ("hello",), compression: str = "gzip"
) -> Release:
    """Write the whole archive."""
    with Archive(str(dest)) as archive:
        release = make_release([image(archive, rootfs, compression=compression)], references)
        archive.write(release)
    return release
