"""A program that unpacks others when it starts (N48): its bytes go in, the lines that a user must read come out."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.scripts.bundles.hint import may_carry

if TYPE_CHECKING:
    from collections.abc import Collection

    from scratchpack.needs.base import NeedResult
    from scratchpack.pipeline.model import Program
    from scratchpack.rootfs import Rootfs
    from scratchpack.scripts.bundles.model import Bundle


# What glibc 2.34 and later has within libc.so.6, and add-ons that were built against an older one still ask for.
_STUBS = ("libdl.so.2", "libpthread.so.0", "librt.so.1", "libm.so.6", "libutil.so.1")


def payload_warnings(program: Program, loaded: Collection[str]) -> tuple[str, ...]:
    """What a payload needs beyond ``loaded``, the sonames that travel already; empty for a program that carries none.

    Raises:
        ScriptError: the payload's own table contradicts the file.
    """
    found = _payload(program)
    if found is None:
        return _behind(program)
    where = {"": "", "HOME": " below HOME"}.get(found.unpacks, f" to {found.unpacks}")
    how = f"it unpacks itself{where} when it starts" if found.unpacks else "it reads what it runs from its own file"
    line = f"{program.given} is a self-extracting program ({found.kind}): {how}"
    if not found.read:
        unknown = "what its payload needs is not known: add libraries that add-ons in it ask for with --include"
        return (f"{line}; {unknown}", *found.warnings)
    outside = [name for name in found.needed if name not in loaded]
    if outside:
        line += f", and its payload needs {', '.join(outside)}, which does not travel: add each with --include"
    return (line, *found.warnings)


def payload_needs(program: Program) -> tuple[NeedResult, ...]:
    """The libraries that a payload asks for and does not hold, opened in the program's namespace, and the place where it unpacks.

    Of a payload that is not read only libc's own stubs are known: add-ons of any age ask for them.

    Raises:
        ScriptError: the payload's own table contradicts the file.
    """
    found = _payload(program)
    if found is None:
        return ()
    from scratchpack.needs.base import A, ElfRoot, Evidence, NeedResult
    from scratchpack.pipeline.scripting.archive import unpacking

    roots = tuple(ElfRoot(name, program.path, required=False) for name in found.needed)
    if not found.read and "ld-linux" in (program.facts.interpreter or ""):
        roots = tuple(ElfRoot(name, program.path, required=False, guess=True) for name in _STUBS)
    part = unpacking(found, program.given, roots)
    evidence = (Evidence("payload", A, f"carries a payload ({found.kind})", program.path),)
    decided = "added" if part.files or part.elf_roots else "suggested"
    return (NeedResult("payload", A, decided, evidence, part.files, part.elf_roots, part.env, part.notes),)


def carries(program: Program) -> bool:
    """Whether the program has a payload in itself, which its strings are then a part of."""
    return _payload(program) is not None


def missing_folder(program: Program, placed: str, rootfs: Rootfs) -> str:
    """The line for a program whose payload is in a folder beside it (PyInstaller) that does not travel; "" for any other."""
    found = _payload(program)
    if found is None or not found.beside or rootfs.get(posixpath.join(posixpath.dirname(placed), found.beside)):
        return ""
    from shlex import quote

    source, target = posixpath.dirname(program.given), posixpath.dirname(placed)
    folder = posixpath.dirname(found.beside)
    what = f"{program.given} does not start without {posixpath.join(source, found.beside)}, its modules and libraries"
    here = posixpath.join(posixpath.dirname(program.path), found.beside)
    if program.root.lookup(here) is None:
        return f"{what}, and that is not there: build or copy the whole folder"
    if folder:
        pair = f"{posixpath.join(source, folder)}:{posixpath.join(target, folder)}"
        return f"{what}, which does not travel: add it with --include {quote(pair)}"
    name = posixpath.basename(placed)
    home = f"/opt/{name}"  # before 6.0 all of it lies beside the program
    pair = f"{source or '.'}:{home}"
    return f"{what}, which does not travel: add it with --at {quote(f'{home}/{name}')} --include {quote(pair)}"


def _payload(program: Program) -> Bundle | None:
    with program.root.open(program.node) as stream:
        if not may_carry(stream, program.given):
            return None
        from scratchpack.scripts.bundles.reader import bundle

        return bundle(stream, program.given)


def _behind(program: Program) -> tuple[str, ...]:
    """Data behind the end of a program that carries nothing known."""
    with program.root.open(program.node) as stream:
        if not may_carry(stream, program.given):
            return ()
        from scratchpack.scripts.bundles.reader import foreign_data

        said = foreign_data(stream, program.given)
    return () if said is None else (said,)
