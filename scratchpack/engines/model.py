"""What the three engines have in common: in goes a release or a name, out comes an engine that holds it or an archive file."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scratchpack.oci.model import Release
    from scratchpack.proc import Done

    Progress = Callable[[str, int, int], None]


class Engine(Protocol):
    """One engine. Making the object asks nothing yet."""

    def answers(self) -> str | None:
        """``None`` when it is there, else why it is not."""

    def load(self, release: Release, progress: Progress) -> None:
        """Take the release under its names.

        Raises:
            RemoteError: it refused.
        """

    def save(self, reference: str, output: BinaryIO) -> None:
        """Write the image of that name into a real file, as an archive that :mod:`scratchpack.oci.store` reads.

        Raises:
            RemoteError: it has no such image, refused, or does not answer.
        """

    def run(self, reference: str, words: Sequence[str], *, timeout: float) -> Done:
        """Start an image that is loaded, without a network, with ``words`` instead of its Cmd; the container is removed.

        Raises:
            RemoteError: the engine's command cannot be started, or the program was still running after ``timeout`` seconds.
        """
