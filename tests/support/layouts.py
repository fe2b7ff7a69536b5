"""OCI layouts of one layer, put together by hand: whatever is in them, digests and sizes are right."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class Layout:
    """A layout at ``path``; what is put in becomes a blob."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "blobs/sha256").mkdir(parents=True)
        (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def put(self, kind: str, data: bytes | dict[str, Any]) -> dict[str, Any]:
        """Store a blob; its descriptor."""
        data = json.dumps(data).encode() if isinstance(data, dict) else data
        name = hashlib.sha256(data).hexdigest()
        (self.path / "blobs/sha256" / name).write_bytes(data)
        return {"mediaType": kind, "digest": f"sha256:{name}", "size": len(data)}

    def image(self, layer: Iterable[bytes] | bytes, **run: Any) -> dict[str, Any]:
        """An image of one layer; the manifest's descriptor.

        The layer is given uncompressed in pieces, or packed already, and then its diff_id is that of nothing.
        """
        hashed = hashlib.sha256()
        if not isinstance(layer, bytes):
            pieces = list(layer)
            hashed.update(b"".join(pieces))
            layer = gzip.compress(b"".join(pieces), 1)
        blob = self.put(LAYER, layer)
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": run,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashed.hexdigest()}"]},
        }
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": self.put(CONFIG, config), "layers": [blob]}
        return self.put(MANIFEST, manifest)

    def index(self, manifests: list[dict[str, Any]]) -> dict[str, Any]:
        """An index below the top one; its descriptor."""
        return self.put(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})

    def finish(self, manifests: list[dict[str, Any]]) -> Path:
        """Write index.json; the layout's path."""
        (self.path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
        return self.path
