"""``--push`` and ``-o type=registry``: the release goes to the registries its names are at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import UsageError
from scratchpack.sinks.model import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scratchpack.oci.model import Release


class RegistrySink:
    """Registries; implements :class:`scratchpack.sinks.model.ImageSink`.

    Args:
        references: full names instead of the release's own, which must be of one image then.
        insecure: hosts (``host`` or ``host:port``) that may speak plain http or show any certificate.
        token_servers: hosts besides the registry's own that may see the user's password.
        progress: is called with (what, bytes done, bytes in all).
        mounts: references of images whose layers the release has.
    """

    def __init__(
        self,
        references: Sequence[str] | None = None,
        *,
        insecure: Iterable[str] = (),
        token_servers: Iterable[str] = (),
        progress: Callable[[str, int, int], None] | None = None,
        mounts: Sequence[str] = (),
    ) -> None:
        self._references, self._progress, self._mounts = references, progress, mounts
        self._insecure, self._token_servers = frozenset(insecure), frozenset(token_servers)

    def write(self, release: Release) -> tuple[Receipt, ...]:
        """Push each image to its names; several tags of one repository share one upload and one receipt, ``repo@sha256:…``.

        Raises:
            UsageError: no name, one that is none, or one name for a fleet.
            RemoteError: a registry refused, or did not answer.
        """
        if self._references is not None and len(release.tagged) > 1:
            raise UsageError("cannot push several images to one name", hint="give each its own with --tag")
        places = [one.references if self._references is None else tuple(self._references) for one in release.tagged]
        if not all(places):  # asked before the first byte leaves
            raise UsageError(
                "cannot push without a name", hint="say where to with --tag registry.example.com/team/app:1.2"
            )
        from scratchpack.oci.registry.push import push
        from scratchpack.oci.registry.session import Access

        options = Access(self._insecure, self._token_servers)
        receipts: list[Receipt] = []
        for one, names in zip(release.each(), places, strict=True):
            done = push(one, names, options=options, progress=self._progress, mounts=self._mounts)
            receipts += [Receipt("registry", f"{pushed.repository}@{pushed.digest}", pushed.digest) for pushed in done]
        return tuple(receipts)
