"""Which engine: a name goes in, or "auto" for the first that answers, and out comes the engine. Only the one that is asked is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import RemoteError, UsageError

if TYPE_CHECKING:
    from scratchpack.engines.model import Engine

ENGINES = ("docker", "podman", "containerd")  # in the order in which "auto" asks them


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
