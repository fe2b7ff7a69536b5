"""What the three engines have in common: in goes a release or a name, out comes an engine that holds it or an archive file."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

from scratchpack.errors import RemoteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scratchpack.oci.model import Release
    from scratchpack.proc import Done

    Progress = Callable[[str, int, int], None]

ENGINES = ("docker", "podman", "containerd")  # in the order in which "auto" asks them


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


def engine(name: str) -> Engine:
    """The engine of that name.

    Raises:
        UsageError: one we do not know.
    """
    if name not in ENGINES:
        raise UsageError(f"cannot use the engine {name!r}", hint=f"engines are {', '.join(ENGINES)}")
    if name == "docker":
        from scratchpack.engines.docker import Docker

        return Docker()
    if name == "podman":
        from scratchpack.engines.podman import Podman

        return Podman()
    from scratchpack.engines.containerd import Containerd

    return Containerd()


def first_that_answers(name: str = "auto") -> tuple[str, Engine]:
    """The named engine, with "auto" the first of docker, podman and containerd that answers.

    Raises:
        UsageError: an engine we do not know.
        RemoteError: none answers; ``details`` has each one's reason.
    """
    reasons = []
    for one in ENGINES if name == "auto" else (name,):
        found = engine(one)
        why = found.answers()
        if why is None:
            return one, found
        reasons.append(f"{one}: {why}")
    raise RemoteError(
        f"cannot reach an engine: {'no engine answers' if name == 'auto' else f'{name} does not answer'}",
        details=tuple(reasons),
        hint="start one, or write an archive with -o type=docker",
    )
