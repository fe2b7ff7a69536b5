"""``verify``: an image argument or a binary goes in, verdicts come out. Of an image every digest is computed again and its program is resolved in its own layers; a binary is read a second time by another reader."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from scratchpack.errors import NeedError
from scratchpack.images.open import open_image
from scratchpack.pipeline.locate import Roots
from scratchpack.request import request
from scratchpack.verification.image import Verdict, verify_store
from scratchpack.verification.started import problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scratchpack.config import Options
    from scratchpack.config.options import StrPath
    from scratchpack.oci.store import Store
    from scratchpack.pipeline.lock import Held
    from scratchpack.request.model import Request


def verify(
    subject: StrPath,
    options: Options | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    house_rules: bool = False,
    unpacked: int | None = None,
) -> tuple[Verdict, ...]:
    """Judge an image or a binary; nothing of it is executed.

    ``subject`` is an existing path (archive, layout, ELF file), ``docker:REF``, ``podman:REF``, ``containerd:REF``, or
    a registry reference. ``house_rules`` holds scratchpack's own rules against images of others too; ``unpacked`` is how many
    bytes an image's layers may unpack to, without it 256 MiB and 100 times what is stored.

    Raises:
        UsageError: there is no such path, and it is no reference either.
        InputError: it is neither an image nor a program.
        RemoteError: a registry or engine refused.
    """
    from scratchpack.request.given import path

    named = path(subject, "what is verified")
    asked = request(options, "verify" if is_program(named) else "verify-image", environ)
    return carry_out(named, asked, house_rules=house_rules, unpacked=unpacked)


def carry_out(
    subject: str,
    asked: Request,
    *,
    house_rules: bool = False,
    unpacked: int | None = None,
    run: Callable[[Store], Verdict] | None = None,
) -> tuple[Verdict, ...]:
    """Do what was asked for, as :func:`verify` does; ``run`` gets an image in which nothing is wrong.

    The image is opened once: a tag may move, and what is compared with a lock or run has to be what was judged.
    """
    lock = None
    if asked.locked is not None:
        from scratchpack.pipeline.lock import read_lock

        lock = read_lock(asked.locked)
    if asked.command == "verify":
        return _judged_program(subject, asked, lock)
    hosts = {"insecure": asked.insecure_registry, "token_servers": asked.token_server}
    with open_image(subject, **hosts, unpacked=unpacked) as store:
        verdicts = verify_store(store, house=house_rules, unpacked=unpacked)
        if lock is not None and not _wrong(verdicts):
            from scratchpack.pipeline.locked import image_held, verdict

            verdicts += (verdict(asked.locked or "", lock, image_held(store)),)
        if run is not None and not _wrong(verdicts):
            verdicts += (run(store),)
        return verdicts


def _wrong(verdicts: tuple[Verdict, ...]) -> bool:
    return any(verdict.issues for verdict in verdicts)


def _judged_program(subject: str, asked: Request, lock: Mapping[str, Held] | None) -> tuple[Verdict, ...]:
    with Roots(asked.root) as roots:
        judged = _verify_binary(subject, asked, roots)
    if lock is None:
        return (judged,)
    from scratchpack.pipeline.locked import program_held, verdict

    return (judged, verdict(asked.locked or "", lock, program_held(subject, asked)))


def unpacked_size(text: str | None) -> int | None:
    """Bytes of ``--max-unpacked``.

    Raises:
        UsageError: no such size.
    """
    from scratchpack.oci.budget import size

    return None if text is None else size(text)


def is_program(path: str) -> bool:
    """Whether this names a program, and no image."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as stream:
        head = stream.read(4)
    return head == b"\x7fELF" or head[:2] == b"#!"


def _verify_binary(path: str, asked: Request, roots: Roots) -> Verdict:
    """Read the ELF facts twice, by two independent readers, and resolve the whole plan inside itself."""
    from scratchpack.elf.witness import disagreements, second_reading
    from scratchpack.pipeline.plan import planned

    issues: list[str] = []
    checked: list[str] = []
    try:
        made = planned([path], asked, roots, strict=False)[0]
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
    issues += dict.fromkeys(line for closure in made.closures for line in problems(closure))
    if not made.errors:
        libraries = {found.path for closure in made.closures for found in closure.resolved}
        checked.append(f"{len(libraries)} libraries found, and found again inside the planned image")
    return Verdict(path, tuple(issues), tuple(checked))
