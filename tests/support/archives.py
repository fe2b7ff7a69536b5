"""Reading an emitted Docker-and-OCI archive with the standard library alone: an opinion of its own on what was written."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Archive(NamedTuple):
    """What `docker load` would get out of an archive."""

    tags: list[str]
    config: dict[str, Any]
    layers: list[bytes]  # uncompressed tars, in order

    def members(self) -> list[tarfile.TarInfo]:
        """Every entry of every layer, in order."""
        entries: list[tarfile.TarInfo] = []
        for layer in self.layers:
            with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
                entries += tar.getmembers()
        return entries

    def files(self) -> list[str]:
        """The names of the regular files, without a leading "./" or "/"."""
        return [member.name.removeprefix("./").lstrip("/") for member in self.members() if member.isreg()]

    @property
    def platform(self) -> str:
        """os/architecture[/variant] as the config says it."""
        parts = (self.config["os"], self.config["architecture"], self.config.get("variant"))
        return "/".join(part for part in parts if part)


def read(path: Path) -> Archive:
    """Read the first image of a Docker archive; layers are gzip or plain."""
    with tarfile.open(path) as outer:

        def blob(name: str) -> bytes:
            stream = outer.extractfile(name)
            assert stream is not None, name
            return stream.read()

        manifest = json.loads(blob("manifest.json"))[0]
        layers = [blob(name) for name in manifest["Layers"]]
        return Archive(
            tags=manifest["RepoTags"],
            config=json.loads(blob(manifest["Config"])),
            layers=[gzip.decompress(layer) if layer.startswith(b"\x1f\x8b") else layer for layer in layers],
        )
