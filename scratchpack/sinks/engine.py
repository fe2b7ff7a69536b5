"""``--load``: the release goes into docker, podman or containerd on this machine, without a file in between.

What each lets us leave out (tried with dockerd 20.10, containerd 1.6, podman 4.3): docker takes an archive without the
layers it has; containerd one without the blobs it has; podman only whole archives. An image that docker or podman has already
only gets its names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.engines.choose import first_that_answers
from scratchpack.errors import UsageError
from scratchpack.sinks.model import Receipt

if TYPE_CHECKING:
    from scratchpack.engines.model import Progress
    from scratchpack.oci.model import Release


def load(release: Release, engine: str = "auto", *, progress: Progress | None = None) -> tuple[Receipt, ...]:
    """Load into the named engine, with "auto" into the first that answers; one receipt a name, ``docker:NAME``.

    ``progress`` is called with (what, bytes done, bytes in all).

    Raises:
        UsageError: an engine we do not know, or a release without a name.
        RemoteError: no engine answers, or it refused.
    """
    if not release.references:
        raise UsageError("cannot load an image without a name", hint="give it one with --tag")
    name, found = first_that_answers(engine)
    found.load(release, progress or (lambda *_: None))
    return tuple(Receipt("load", f"{name}:{one}", release.top.digest) for one in release.references)
