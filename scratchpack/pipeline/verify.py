"""``verify``: an image at rest, in an engine or a registry, or a binary whose facts are read a second time."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from scratchpack.config import Options
from scratchpack.errors import NeedError, RemoteError, UsageError
from scratchpack.verify.image import Verdict, problems, verify_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.oci.store import Store

_SAVE = {  # engine: how it writes an archive into a file
    "docker": ("docker", "save", "-o"),
    "podman": ("podman", "save", "--format", "docker-archive", "-o"),  # podman's OCI archive forgets the full name (I3)
    "containerd": ("ctr", "images", "export", "--all-platforms"),  # else the index names what is not in it (I9)
}
_SAVE_SECONDS = 600


def verify(subject: str, options: Options | None = None) -> tuple[Verdict, ...]:
    """Judge an image or a binary; nothing of it is executed.

    ``subject`` is an existing path (archive, layout, ELF file), ``docker:REF``, ``podman:REF``, ``containerd:REF``, or
    a registry reference.

    Raises:
        UsageError: there is no such path, and it is no reference either.
        InputError: it is neither an image nor a program.
        RemoteError: a registry or engine refused.
    """
    options = options or Options()
    if _is_program(subject):
        return (_verify_binary(subject, options),)
    with _store(subject, options) as store:
        return verify_store(store)


def _is_program(path: str) -> bool:
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as stream:
        head = stream.read(4)
    return head == b"\x7fELF" or head[:2] == b"#!"


def _verify_binary(path: str, options: Options) -> Verdict:
    """Read the ELF facts twice, by two independent readers, and resolve the whole plan inside itself."""
    from scratchpack.elf.witness import disagreements, second_reading
    from scratchpack.pipeline.plan import plan

    issues: list[str] = []
    checked: list[str] = []
    try:
        made = plan([path], options, strict=False)[0]
    except NeedError as error:
        return Verdict(path, (error.message, *error.details), ())
    program = made.programs[0]
    if not program.is_script:
        with program.root.open(program.node) as stream:
            reading = second_reading(stream)
        if reading is None:
            checked.append("the second reader could not read it")
        else:
            issues += disagreements(program.facts, reading)
            checked.append("two independent readers agree on what the loader reads" if not issues else "read twice")
    issues += problems(made.closure)
    if not made.closure.errors:
        checked.append(f"{len(made.closure.resolved)} libraries found, and found again inside the planned image")
    return Verdict(path, tuple(issues), tuple(checked))


@contextlib.contextmanager
def _store(subject: str, options: Options) -> Iterator[Store]:
    from scratchpack.oci.store import open_store

    engine, colon, reference = subject.partition(":")
    if os.path.exists(subject):
        with open_store(subject) as store:
            yield store
    elif colon and engine in _SAVE and reference:
        import tempfile

        with tempfile.TemporaryDirectory(prefix="scratchpack-") as directory:
            path = os.path.join(directory, "image.tar")
            _save(engine, reference, path)
            with open_store(path) as store:
                yield store
    else:
        if subject.startswith((".", "/")) or not any(mark in subject for mark in "/:@"):
            raise UsageError(
                f"cannot verify {subject}: there is no such file",
                hint="an image of a registry is named with its host or tag: registry.example.com/app:1.0, app:1.0",
            )
        from scratchpack.oci.registry.session import Options as Session
        from scratchpack.oci.registry.store import RemoteStore

        insecure = frozenset(options.insecure_registry)
        with RemoteStore(subject, Session(insecure=insecure, token_servers=frozenset(options.token_server))) as store:
            yield store


def _save(engine: str, reference: str, path: str) -> None:
    from scratchpack import proc

    command = _SAVE[engine]
    hint = f"see that {command[0]} runs and has the image"
    try:
        done = proc.run([*command, path, reference], timeout=_SAVE_SECONDS)
    except (proc.NotStartedError, proc.TimedOutError) as error:
        raise RemoteError(f"cannot get {reference} from {engine}: {error.message}", hint=hint) from None
    if done.status != 0:
        raise RemoteError(f"cannot get {reference} from {engine}: {done.complaint}", hint=hint)
