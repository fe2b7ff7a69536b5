"""Scripts that carry an archive (zipapps, shiv and pex files, makeself and shell archives): a script goes in, what its archive needs comes out (N48).

The archive's own table says which libraries it holds and what these need from outside; the latter are opened in the interpreter's
namespace. Where such a file unpacks itself, the image gets a place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import Contribution, ElfRoot, Finding
from scratchpack.pipeline.scripting.model import COMMANDS, PAYLOAD, ScriptNeeds, because, result
from scratchpack.rootfs import RANK_GENERATED, Directory
from scratchpack.scripts.bundles.reader import bundle

if TYPE_CHECKING:
    from scratchpack.pipeline.scripting.model import Script
    from scratchpack.scripts.bundles.model import Bundle

TMP = "/tmp"  # noqa: S108 - a path of the image
_ROOTS = {
    "shiv": ("SHIV_ROOT", f"{TMP}/shiv"),
    "pex": ("PEX_ROOT", f"{TMP}/pex"),
    ".NET": ("DOTNET_BUNDLE_EXTRACT_BASE_DIR", f"{TMP}/dotnet"),
}  # where they unpack instead of HOME


def archive_part(script: Script) -> ScriptNeeds | None:
    """What an archive behind a ``#!`` line needs; ``None`` for a plain script.

    Raises:
        ScriptError: its table contradicts the file.
    """
    with script.root.open(script.program.node) as stream:
        found = bundle(stream, script.program.given)
    if found is None:
        return None
    roots = tuple(ElfRoot(name, script.interpreter.path, required=False) for name in found.needed)
    contribution = unpacking(found, script.program.given, roots)
    if found.read:
        inside = f"{script.program.given}: imports within its archive were not followed: a module that it does not hold must be named with --include"
        contribution = contribution._replace(notes=(*contribution.notes, inside))
    findings = [Finding("carries", f"a {found.kind} archive", script.path, 1)]
    needs = result(script, PAYLOAD, findings, contribution)
    if found.kind in {"makeself", "shell archive"}:
        note = f"{script.program.given} unpacks with the commands tar, gzip, dd, tail and their kin, and then runs what is in it: unpack it here and pack that instead"
        needs += result(script, COMMANDS, (), Contribution(notes=(note,)))
    return ScriptNeeds(needs)


def unpacking(found: Bundle, given: str, roots: tuple[ElfRoot, ...]) -> Contribution:
    """Where a self-unpacking program unpacks: /tmp is made; of those that use HOME the variable that moves it there is set."""
    variable = _ROOTS.get(found.kind)
    env = dict([variable]) if variable is not None else {}
    at_tmp = found.unpacks == TMP or bool(env)
    files = (
        (Directory(TMP, 0o1777, because=because(PAYLOAD, f"{given} unpacks itself there"), rank=RANK_GENERATED),)
        if at_tmp
        else ()
    )
    notes = list(found.warnings)
    if found.unpacks == "HOME" and not env:
        notes.append(
            f"{given} unpacks itself below HOME when it starts: give it a writable one, for example -e HOME=/tmp with --need tmp=always"
        )
    return Contribution(files, roots, env, tuple(notes))
