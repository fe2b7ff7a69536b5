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


class EngineSink:
    """The named engine, with "auto" the first that answers; implements :class:`scratchpack.sinks.model.ImageSink`.

    ``progress`` is called with (what, bytes done, bytes in all).
    """

    def __init__(self, engine: str = "auto", *, progress: Progress | None = None) -> None:
        self._engine, self._progress = engine, progress or (lambda *_: None)

    def write(self, release: Release) -> tuple[Receipt, ...]:
        """Load every image; one receipt a name.

        Raises:
            UsageError: an engine we do not know, or an image without a name.
            RemoteError: no engine answers, or it refused.
        """
        if not all(one.references for one in release.tagged):
            raise UsageError("cannot load an image without a name", hint="give it one with --tag")
        name, found = first_that_answers(self._engine)
        receipts: list[Receipt] = []
        for one in release.each():
            found.load(one, self._progress)
            receipts += [Receipt("load", reference, one.top.digest, name) for reference in one.references]
        return tuple(receipts)
