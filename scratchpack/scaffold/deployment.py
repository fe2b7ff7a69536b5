"""How an image is deployed: what is known of it goes in, a Kubernetes Deployment or a Compose file comes out as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import scratchpack

if TYPE_CHECKING:
    from pathlib import Path

DEPLOYMENTS = {
    "kubernetes": "a Deployment and a Service that fit an image: --from IMAGE",
    "compose": "a Compose file that fits an image: --from IMAGE",
}


class Port(NamedTuple):
    """A port that the image exposes."""

    number: int
    protocol: str  # "tcp" | "udp" | "sctp"

    @property
    def name(self) -> str:
        """A name as Kubernetes takes one."""
        return f"{self.protocol}-{self.number}"


class MountPoint(NamedTuple):
    """A directory that the program may write to while its root is read-only."""

    path: str
    data: bool  # a volume of the image, whose content is to be kept

    @property
    def name(self) -> str:
        """A name as Kubernetes and Compose take one."""
        return re.sub(r"[^a-z0-9]+", "-", self.path.lower()).strip("-")[:50].strip("-") or "root"


class Deployed(NamedTuple):
    """What a deployment says of an image."""

    reference: str
    uid: int = 65532
    gid: int = 65532
    ports: tuple[Port, ...] = ()
    places: tuple[MountPoint, ...] = ()
    probe: tuple[str, ...] = ()  # the command of its health check

    @property
    def name(self) -> str:
        """The last part of its name, as a DNS label (RFC 1123), which Kubernetes wants."""
        last = self.reference.partition("@")[0].rpartition("/")[2].partition(":")[0]
        return re.sub(r"[^a-z0-9]+", "-", last.lower()).strip("-")[:63].strip("-") or "app"


def deployment(kind: str, image: Deployed, *, own: Path | None = None) -> str:
    """The text; ``own`` is a user's template, or a directory of them (S13)."""
    from scratchpack import render

    places, names = [], set[str]()
    for place in image.places:  # two paths may become one name
        name = next(n for n in (place.name, *(f"{place.name}-{k}" for k in range(2, 1000))) if n not in names)
        names.add(name)
        places.append({"path": place.path, "data": place.data, "name": name})
    values: dict[str, object] = {
        "scratchpack_version": scratchpack.__version__,
        "name": image.name,
        "reference": image.reference,
        "uid": image.uid,
        "gid": image.gid,
        "ports": image.ports,
        "places": places,
        "probe": image.probe,
        "tcp": next((port.number for port in image.ports if port.protocol == "tcp"), None),
    }
    file = f"{kind}.yaml.j2"
    return render.render_user(own, file, values) if own is not None else render.render(f"deploy/{file}", values)
