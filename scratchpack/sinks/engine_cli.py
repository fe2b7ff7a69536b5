"""Podman and containerd through their own commands, fed on stdin."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from scratchpack.errors import RemoteError, ScratchpackError
from scratchpack.oci import index
from scratchpack.sinks.engine import archive

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scratchpack.oci.model import Release
    from scratchpack.sinks.engine import Progress

_ASK_SECONDS = 20
_LOAD_SECONDS = 3600


class Podman:
    """``podman load``, which reads whole archives; an image it has already only gets its names."""

    def answers(self) -> str | None:
        """``None`` when it is there, else why it is not."""
        return answers(["podman", "version"])

    def load(self, release: Release, progress: Progress) -> None:
        """Give names to what is there, or send the archive.

        Raises:
            RemoteError: it refused.
        """
        from scratchpack import proc

        image = release.images[0].config_blob.digest.removeprefix("sha256:")
        if proc.run(["podman", "image", "exists", image], timeout=_ASK_SECONDS).status == 0:
            done = proc.run(["podman", "tag", image, *release.references], timeout=_ASK_SECONDS)
            if done.status == 0:
                return
        feed(["podman", "load", "-q"], archive(release, progress), "podman")


class Containerd:
    """``ctr images import``; CONTAINERD_ADDRESS, CONTAINERD_NAMESPACE and CONTAINERD_SNAPSHOTTER are its own to read."""

    def answers(self) -> str | None:
        """``None`` when it is there, else why it is not."""
        return answers(["ctr", "version"])

    def load(self, release: Release, progress: Progress) -> None:
        """Send what the content store lacks; in doubt, everything.

        Raises:
            RemoteError: it refused.
        """
        command = ["ctr", "images", "import", "--all-platforms", "-"]
        if present := self._present(release):
            try:
                feed(command, archive(release, progress, without=present), "containerd")
            except RemoteError:  # a blob went away in between
                pass
            else:
                return
        feed(command, archive(release, progress), "containerd")

    def _present(self, release: Release) -> frozenset[str]:
        from scratchpack import proc

        done = proc.run(["ctr", "content", "ls", "-q"], timeout=_ASK_SECONDS)
        held = set(done.out.decode(errors="replace").split()) if done.status == 0 else set()
        return frozenset(blob.digest for blob in index.blobs(release) if blob.digest in held)


def answers(command: Sequence[str]) -> str | None:
    """Why a command cannot be used, ``None`` when it can."""
    from scratchpack import proc

    if shutil.which(command[0]) is None:
        return f"no command {command[0]!r}"
    try:
        done = proc.run(command, timeout=_ASK_SECONDS)
    except ScratchpackError as error:
        return error.message
    return None if done.status == 0 else done.complaint


def feed(command: Sequence[str], pieces: Iterator[bytes], engine: str) -> None:
    """Send an archive to a command's stdin.

    Raises:
        RemoteError: the command failed.
    """
    from scratchpack import proc

    try:
        done = proc.run(command, input=pieces, timeout=_LOAD_SECONDS)
    except (proc.NotStartedError, proc.TimedOutError) as error:
        raise RemoteError(f"cannot load into {engine}: {error.message}") from None
    if done.status != 0:
        raise RemoteError(f"cannot load into {engine}: {' '.join(command)} says: {done.complaint}")
