"""A program that unpacks others when it starts (N48): its bytes go in, the lines that a user must read come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.scripts.bundles.hint import may_carry

if TYPE_CHECKING:
    from collections.abc import Collection

    from scratchpack.needs.base import NeedResult
    from scratchpack.pipeline.model import Program
    from scratchpack.scripts.bundles.model import Bundle


def payload_warnings(program: Program, loaded: Collection[str]) -> tuple[str, ...]:
    """What a payload needs beyond ``loaded``, the sonames that travel already; empty for a program that carries none.

    Raises:
        ScriptError: the payload's own table contradicts the file.
    """
    found = _payload(program)
    if found is None:
        return ()
    where = {"": "", "HOME": " below HOME"}.get(found.unpacks, f" to {found.unpacks}")
    line = f"{program.given} is a self-extracting program ({found.kind}): it unpacks itself{where} when it starts"
    if not found.read:
        return (f"{line}; what its payload needs is not known", *found.warnings)
    outside = [name for name in found.needed if name not in loaded]
    if outside:
        line += f", and its payload needs {', '.join(outside)}, which does not travel: add each with --include"
    return (line, *found.warnings)


def payload_needs(program: Program) -> tuple[NeedResult, ...]:
    """The libraries that a payload asks for and does not hold, opened in the program's namespace, and the place where it unpacks.

    Raises:
        ScriptError: the payload's own table contradicts the file.
    """
    found = _payload(program)
    if found is None:
        return ()
    from scratchpack.needs.base import A, ElfRoot, Evidence, NeedResult
    from scratchpack.pipeline.scripting.archive import unpacking

    roots = tuple(ElfRoot(name, program.path, required=False) for name in found.needed)
    part = unpacking(found, program.given, roots)
    evidence = (Evidence("payload", A, f"carries a payload ({found.kind})", program.path),)
    decided = "added" if part.files or part.elf_roots else "suggested"
    return (NeedResult("payload", A, decided, evidence, part.files, part.elf_roots, part.env, part.notes),)


def _payload(program: Program) -> Bundle | None:
    with program.root.open(program.node) as stream:
        if not may_carry(stream):
            return None
        from scratchpack.scripts.bundles.reader import bundle

        return bundle(stream, program.given)
