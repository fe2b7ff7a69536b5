"""Containerd through ``ctr``; CONTAINERD_ADDRESS, CONTAINERD_NAMESPACE and CONTAINERD_SNAPSHOTTER are its own to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from scratchpack.engines import command
from scratchpack.engines.archive import archive
from scratchpack.errors import RemoteError
from scratchpack.oci import index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scratchpack.engines.model import Progress
    from scratchpack.oci.model import Release
    from scratchpack.proc import Done

_ATTEMPTS = 2  # to send only what is lacking, before everything is sent


class Containerd:
    """The :class:`~scratchpack.engines.model.Engine` of that name."""

    def answers(self) -> str | None:
        """``None`` when it is there, else why it is not."""
        return command.answers(["ctr", "version"])

    def load(self, release: Release, progress: Progress) -> None:
        """Send what the content store lacks; in doubt, everything.

        Raises:
            RemoteError: it refused.
        """
        words = ["ctr", "images", "import", "--all-platforms", "-"]
        for _ in range(_ATTEMPTS):
            present = self._present(release)
            if not present:
                break
            try:
                command.feed(words, archive(release, progress, without=present), "containerd")
            except RemoteError:  # a blob went away in between, or a snapshot ("parent snapshot does not exist", seen): it was collecting garbage
                continue
            return
        command.feed(words, archive(release, progress), "containerd")

    def save(self, reference: str, output: BinaryIO) -> None:
        """`ctr images export`, whole indexes with all of their platforms: else the index names what is not in the archive (I9).

        Raises:
            RemoteError: it has no such image, or refused.
        """
        command.write(["ctr", "images", "export", "--all-platforms", "-", reference], reference, output, "containerd")

    def run(self, reference: str, words: Sequence[str], *, timeout: float) -> Done:
        """`ctr run`, which gives a container no network; both streams of the program are ``out``.

        containerd writes them to a file. Through ctr's own pipes the output of a short program is lost now and then: ctr gives up
        opening a pipe that it has not opened yet when the program has ended.

        Raises:
            RemoteError: as :func:`scratchpack.engines.command.start`.
        """
        import secrets
        import tempfile

        name = f"scratchpack-{secrets.token_hex(4)}"
        with tempfile.NamedTemporaryFile(prefix="scratchpack-") as log:
            run = ["ctr", "run", "--rm", "--log-uri", f"file://{log.name}", reference, name, *words]
            done = command.start(run, reference, timeout)
            return done._replace(out=log.read())

    def _present(self, release: Release) -> frozenset[str]:
        from scratchpack import proc

        done = proc.run(["ctr", "content", "ls", "-q"], timeout=command.ASK_SECONDS)
        held = set(done.out.decode(errors="replace").split()) if done.status == 0 else set()
        return frozenset(blob.digest for blob in index.blobs(release) if blob.digest in held)
