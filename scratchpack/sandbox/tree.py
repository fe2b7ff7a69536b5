"""An image's layers as a directory that a guest can run in: a history in, a filled directory out."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scratchpack.layers.history import History


def fill(directory: str, history: History) -> tuple[str, ...]:
    """Write what an image shows into an empty directory; sentences about what could not be made.

    Every name is made new and its directories were made here before it, so no link of the image is walked. Owners are set
    where the user may set them. Devices and FIFOs are left out; the sandbox brings its own devices.

    Raises:
        InputError: a layer is damaged.
        OSError: no room.
    """
    left_out: list[str] = []
    places: dict[int, str] = {}
    modes: list[tuple[str, int]] = []
    for version in history.live():
        place = directory + version.path.rstrip("/")
        record = version.inode.record
        if version.below is not None:
            if version.path != "/":
                os.mkdir(place, 0o700)
            modes.append((place, record.mode))
        elif record.kind == "symlink":
            os.symlink(record.target, place)
        elif record.kind == "file" and version.inode.number in places:
            os.link(places[version.inode.number], place)
            continue
        elif record.kind == "file":
            with history.open(version.inode) as stream, open(place, "xb") as out:
                shutil.copyfileobj(stream, out, 1 << 20)
                os.fchmod(out.fileno(), record.mode & 0o777)
            places[version.inode.number] = place
        else:
            left_out.append(f"{version.path} is a {record.kind}, which was not made")
            continue
        if os.geteuid() == 0:
            with contextlib.suppress(OSError):  # a number that this machine's namespace does not have
                os.chown(place, record.uid, record.gid, follow_symlinks=False)
    for place, mode in reversed(modes):
        os.chmod(place, mode & 0o1777)
    return tuple(left_out)
