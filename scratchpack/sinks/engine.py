"""``--load``: the release goes into docker, podman or containerd on this machine, without a file in between.

What each lets us leave out (tried with dockerd 20.10, containerd 1.6, podman 4.3): docker takes an archive without the
layers it has; containerd one without the blobs it has; podman only whole archives. An image that docker or podman has already
only gets its names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from scratchpack.errors import RemoteError, UsageError
from scratchpack.oci import index, tar
from scratchpack.oci.digest import blob_path
from scratchpack.sinks.archive import verified
from scratchpack.sinks.model import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scratchpack.oci.model import Release

    Progress = Callable[[str, int, int], None]

ENGINES = ("docker", "podman", "containerd")


class Engine(Protocol):
    """One engine, found on this machine."""

    def answers(self) -> str | None:
        """``None`` when it is there, else why it is not."""

    def load(self, release: Release, progress: Progress) -> None:
        """Take the release under its names."""


def load(release: Release, engine: str = "auto", *, progress: Progress | None = None) -> tuple[Receipt, ...]:
    """Load into the named engine, with "auto" into the first that answers; one receipt a name, ``docker:NAME``.

    ``progress`` is told (what, bytes done, bytes in all).

    Raises:
        UsageError: an engine we do not know, or a release without a name.
        RemoteError: no engine answers, or it refused.
    """
    if engine not in {"auto", *ENGINES}:
        raise UsageError(f"cannot load into {engine!r}", hint=f"engines are {', '.join(ENGINES)}")
    if not release.references:
        raise UsageError("cannot load an image without a name", hint="give it one with --tag")
    reasons = []
    for name in ENGINES if engine == "auto" else (engine,):
        found = _engine(name)
        why = found.answers()
        if why is None:
            found.load(release, progress or (lambda *_: None))
            return tuple(Receipt("load", f"{name}:{one}", release.top.digest) for one in release.references)
        reasons.append(f"{name}: {why}")
    raise RemoteError(
        f"cannot load the image: {'no engine answers' if engine == 'auto' else f'{engine} does not answer'}",
        details=tuple(reasons),
        hint="start one, or write an archive with -o type=docker",
    )


def _engine(name: str) -> Engine:
    if name == "docker":
        from scratchpack.sinks.engine_docker import Docker

        return Docker()
    from scratchpack.sinks.engine_cli import Containerd, Podman

    return Podman() if name == "podman" else Containerd()


def archive(release: Release, progress: Progress, *, without: frozenset[str] = frozenset()) -> Iterator[bytes]:
    """The archive of ``-o type=docker`` in pieces, leaving out the blobs that the engine has.

    Raises:
        OutputError: a blob is not what its digest says (I9).
    """
    sent = [blob for blob in index.blobs(release) if blob.digest not in without]
    total, done = sum(blob.size for blob in sent), 0
    for blob in sent:
        yield tar.outer_header(blob_path(blob.digest), blob.size, 0)
        for piece in verified(blob):
            yield piece
            done += len(piece)
            progress("loading", done, total)
        yield tar.padding(blob.size)
    documents = (
        ("index.json", index.layout_index(release)),
        ("manifest.json", index.docker_manifest(release)),
        ("oci-layout", index.LAYOUT),
    )
    for name, data in documents:
        yield tar.outer_header(name, len(data), 0) + data + tar.padding(len(data))
    yield tar.END
