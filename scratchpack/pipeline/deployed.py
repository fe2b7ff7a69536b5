"""What a deployment has to know of an image: an image argument goes in; its name, user, ports, writable places and health check come out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack import foreign
from scratchpack.errors import InputError, UsageError
from scratchpack.images.launch import launch
from scratchpack.images.open import open_image
from scratchpack.oci.source import read_images
from scratchpack.scaffold.deployment import Deployed, MountPoint, Port
from scratchpack.sysroot.layerroot import LayerRoot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scratchpack.images.launch import User

_MOST = 32  # directories; an image with more is no image whose root is read-only
_PORT = re.compile(r"([0-9]{1,5})(?:/(tcp|udp|sctp))?")


def deployed(subject: str) -> Deployed:
    """Read an image's configuration, and of its layers the directories that its user may write.

    Raises:
        UsageError: there is no such image, or it has more than one name or platform and says nothing in common.
        InputError, RemoteError: it cannot be read, or an engine would not start it.
    """
    with open_image(subject) as store:
        images = read_images(store)
        if not images:
            raise UsageError(f"cannot describe {subject}: it holds no image")
        image = images[0]
        config = image.config.get("config") or {}
        with LayerRoot([layer.open for layer in image.layers], name=subject) as root:
            start = launch(image.config, root)
            if start.problems:
                raise InputError(f"cannot describe {subject}: {start.problems[0]}", details=start.problems[1:])
            volumes = _names(config.get("Volumes"))
            written = [path for path in _writable(root, start.user) if not _inside(path, volumes)][:_MOST]
    test = tuple((config.get("Healthcheck") or {}).get("Test") or ())
    reference = image.references[0] if image.references else subject if ":" in subject else "localhost/app:latest"
    return Deployed(
        reference,
        start.user.uid,
        start.user.gid,
        tuple(_ports(config.get("ExposedPorts"))),
        tuple(
            sorted(
                [
                    *(MountPoint(path, data=True) for path in volumes),
                    *(MountPoint(path, data=False) for path in written),
                ]
            )
        ),
        test[1:] if test[:1] == ("CMD",) else (),
    )


def _names(table: object) -> list[str]:
    return sorted(name for name in table if isinstance(name, str)) if isinstance(table, dict) else []


def _ports(table: Mapping[str, object] | None) -> Iterator[Port]:
    for name in _names(table):
        found = _PORT.fullmatch(name)
        number = foreign.decimal(found[1], 65535) if found else None
        if found and number:
            yield Port(number, found[2] or "tcp")


def _writable(root: LayerRoot, user: User) -> list[str]:
    """Directories that the user may write to: of its own, of its group, or of everybody; the outermost of each."""
    found: list[str] = []
    for version in root.history.live():
        record = version.record
        if record.kind != "directory" or version.path == "/" or _inside(version.path, found):
            continue
        own = record.uid == user.uid and record.mode & 0o200 and user.uid != 0
        group = record.gid in {user.gid, *user.groups} and record.mode & 0o020
        if own or group or record.mode & 0o002:
            found.append(version.path)
    return sorted(found)


def _inside(path: str, above: list[str]) -> bool:
    return any(path == one or path.startswith(f"{one.rstrip('/')}/") for one in above)
