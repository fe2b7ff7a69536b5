"""The one place that opens an image argument: in goes what a person wrote, out comes the image as a :class:`~scratchpack.oci.store.Store`.

An existing path is an archive or a layout; ``docker:REF``, ``podman:REF`` and ``containerd:REF`` are images of an engine of this
machine; everything else is the reference of a registry.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from scratchpack.engines.choose import ENGINES
from scratchpack.errors import OutputError, UsageError
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scratchpack.oci.store import Store


class Argument(NamedTuple):
    """Where an image is to be found, before anything of it was opened."""

    text: str  # as it was written
    kind: str  # "path" | "engine" | "registry"
    engine: str = ""
    reference: str = ""  # of an engine or a registry


def understand(text: str) -> Argument:
    """Say what kind of argument a text is; only the existence of a path is looked at.

    Raises:
        UsageError: there is no such path, and it is no reference either.
    """
    engine, colon, reference = text.partition(":")
    if os.path.exists(text):
        return Argument(text, "path")
    if colon and engine in ENGINES and reference:
        return Argument(text, "engine", engine, reference)
    if text.startswith((".", "/")) or not any(mark in text for mark in "/:@"):
        raise UsageError(
            f"cannot find the image {text}: there is no such file",
            hint="an image of a registry is named with its host or tag: registry.example.com/app:1.0, app:1.0; "
            f"one of an engine with {', '.join(f'{name}:' for name in ENGINES)}",
        )
    from scratchpack.oci import reference as names

    names.parse(text)
    return Argument(text, "registry", reference=text)


def short_name(text: str) -> str:
    """What files made from an image are called after: its own name without directories, host, tag and digest."""
    argument = understand(text)
    if argument.kind == "path":
        name = os.path.basename(os.path.abspath(text))
        for end in (".gz", ".zst", ".tar", ".oci"):
            name = name.removesuffix(end)
        return name or "image"
    name = argument.reference.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return name or "image"


@contextlib.contextmanager
def open_image(
    text: str, *, insecure: Iterable[str] = (), token_servers: Iterable[str] = (), unpacked: int | None = None
) -> Iterator[Store]:
    """Open an image argument for the time of a ``with``.

    Args:
        text: what the user wrote.
        insecure: hosts (``host`` or ``host:port``) that may speak plain http or show any certificate.
        token_servers: hosts besides the registry's own that may see the user's password.
        unpacked: bytes that an archive which is compressed as a whole may unpack to; ``None`` for what
            :class:`scratchpack.oci.budget.UnpackBudget` allows.

    Raises:
        UsageError: no such path, and no reference either.
        InputError: the path is neither an archive nor a layout.
        RemoteError: an engine or a registry refused, or does not answer.
        OutputError: no room for what an engine sends.
    """
    argument = understand(text)
    if argument.kind == "path":
        from scratchpack.oci.store import open_store

        with open_store(text, unpacked=unpacked) as store:
            yield store
    elif argument.kind == "engine":
        with _from_engine(argument) as store:
            yield store
    else:
        from scratchpack.oci.registry.session import Access
        from scratchpack.oci.registry.store import RemoteStore

        options = Access(insecure=frozenset(insecure), token_servers=frozenset(token_servers))
        with RemoteStore(argument.reference, options) as remote:
            yield remote


@contextlib.contextmanager
def _from_engine(argument: Argument) -> Iterator[Store]:
    import tempfile

    from scratchpack.engines.choose import engine
    from scratchpack.oci.store import open_archive

    try:
        file = tempfile.TemporaryFile(prefix="scratchpack-")  # noqa: SIM115 - closed below
    except OSError as error:
        raise OutputError(
            f"cannot make a temporary file: {error.strerror}", hint="set TMPDIR to a directory with room"
        ) from error
    with file:
        engine(argument.engine).save(argument.reference, file)
        file.seek(0)
        with open_archive(argument.text, file) as store:
            yield store
