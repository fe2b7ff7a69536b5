"""``--push`` and ``-o type=registry``: the release goes to the registries its names are at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import UsageError
from scratchpack.sinks.model import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scratchpack.oci.model import Release


def push(
    release: Release,
    references: Sequence[str] | None = None,
    *,
    insecure: Iterable[str] = (),
    token_servers: Iterable[str] = (),
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[Receipt, ...]:
    """Push to every reference, without any to the release's own; one receipt a repository, ``repo@sha256:…``.

    Args:
        release: what is pushed.
        references: full names; several tags of one repository share one upload.
        insecure: hosts (``host`` or ``host:port``) that may speak plain http or show any certificate.
        token_servers: hosts besides the registry's own that may see the user's password.
        progress: is told (what, bytes done, bytes in all).

    Raises:
        UsageError: no name, or one that is none.
        RemoteError: a registry refused, or did not answer.
    """
    names = tuple(release.references if references is None else references)
    if not names:
        raise UsageError("cannot push without a name", hint="say where to with --tag registry.example.com/team/app:1.2")
    from scratchpack.oci.registry.push import push as push_all
    from scratchpack.oci.registry.session import Options

    options = Options(frozenset(insecure), frozenset(token_servers))
    done = push_all(release, names, options=options, progress=progress)
    return tuple(Receipt("registry", f"{one.repository}@{one.digest}", one.digest) for one in done)
