"""``-o type=oci``: an OCI archive."""

from __future__ import annotations

from scratchpack.sinks.archive import Archive


class OciArchive(Archive):
    """An image layout in a tar, as the OCI image specification has it, without Docker's manifest.json."""

    kind = "oci"
