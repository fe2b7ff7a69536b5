"""``-o type=docker``: one archive that every engine loads, a Docker archive and an OCI layout at once."""

from __future__ import annotations

from scratchpack.sinks.archive import Archive


class DockerArchive(Archive):
    """What ``docker load``, ``podman load``, ``ctr images import`` and skopeo take."""

    kind = "docker"
    docker = True
