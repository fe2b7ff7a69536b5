"""Podman through its own command, which reads whole archives; an image that it has already only gets its names."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from scratchpack.engines import command
from scratchpack.engines.archive import archive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scratchpack.engines.model import Progress
    from scratchpack.oci.model import Release
    from scratchpack.proc import Done


class Podman:
    """The :class:`~scratchpack.engines.model.Engine` of that name."""

    def answers(self) -> str | None:
        """``None`` when it is there, else why it is not."""
        return command.answers(["podman", "version"])

    def load(self, release: Release, progress: Progress) -> None:
        """Give names to what is there, or send the archive.

        Raises:
            RemoteError: it refused.
        """
        from scratchpack import proc

        image = release.images[0].config_blob.digest.removeprefix("sha256:")
        if proc.run(["podman", "image", "exists", image], timeout=command.ASK_SECONDS).status == 0:
            done = proc.run(["podman", "tag", image, *release.references], timeout=command.ASK_SECONDS)
            if done.status == 0:
                return
        command.feed(["podman", "load", "-q"], archive(release, progress), "podman")

    def save(self, reference: str, output: BinaryIO) -> None:
        """`podman save` as a docker archive: its OCI archive forgets the full name (I3).

        Raises:
            RemoteError: it has no such image, or refused.
        """
        command.write(
            ["podman", "save", "-q", "--format", "docker-archive", "--", reference], reference, output, "podman"
        )

    def run(self, reference: str, words: Sequence[str], *, timeout: float) -> Done:
        """`podman run`, without a network.

        Raises:
            RemoteError: as :func:`scratchpack.engines.command.start`.
        """
        return command.start(["podman", "run", "--rm", "--network=none", "--", reference, *words], reference, timeout)
