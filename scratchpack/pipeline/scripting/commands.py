"""The commands of a shell script as programs of their own (``--need commands=always``): a located script goes in, it and they come out.

As programs they have closures and needs of their own, and a command that is a script again brings its interpreter and its commands.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.elf.kind import Kind, sniff
from scratchpack.elf.reader import read_elf
from scratchpack.errors import InputError
from scratchpack.pipeline.model import Located, Program
from scratchpack.pipeline.scripting.examine import language
from scratchpack.pipeline.scripting.shell import path_of, searched
from scratchpack.scripts.bundles.reader import bundle
from scratchpack.scripts.shell.program import shell_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.pipeline.model import Rooted
    from scratchpack.scripts.model import Command

_MAX = 200  # programs that the commands of one script lead to


def with_commands(found: Located, roots: Rooted, search_path: str | None) -> Located:
    """The programs with every command that their scripts certainly run and that the root has, transitively.

    Raises:
        InputError: over 200 programs.
    """
    programs = {_key(program): program for program in found.programs}
    commands = {program.given for program in found.programs}
    problems = list(found.problems)
    ahead = [program for program in found.programs if program.is_script]
    while ahead:
        script = ahead.pop(0)
        shell = next(
            (p for p in reversed(programs.values()) if p.asked_by == script.given and p.asked_for == "#!"), None
        )
        for command, path in _certain(script, shell, roots, search_path):
            if path in commands:
                continue
            commands.add(path)
            if len(programs) > _MAX:
                raise InputError(
                    f"cannot pack {found.programs[0].given}: its commands lead to over {_MAX} programs",
                    hint="name those used with --include, and leave the others out with --need commands=auto",
                )
            one = _located(script, command, path, roots, search_path)
            problems += one.problems
            for program in one.programs:
                programs.setdefault(_key(program), program)
            ahead += [program for program in one.programs if program.is_script]
    return Located(tuple(programs.values()), tuple(problems))


def _key(program: Program) -> tuple[str, str]:
    """An interpreter counts once for each script that it runs: what a script loads is loaded in that process (R20)."""
    return (program.given, program.asked_by if program.asked_for == "#!" else "")


def _certain(
    script: Program, shell: Program | None, roots: Rooted, search_path: str | None
) -> Iterator[tuple[Command, str]]:
    if shell is None or language(shell) != "shell" or script.root is not roots.root:
        return
    try:
        with script.root.open(script.node) as stream:
            if bundle(stream, script.given) is not None:
                return
        found = shell_program(roots.root, script.node, posixpath.basename(shell.path))
    except InputError:
        return  # the report says that it cannot be read
    for command in found.commands:
        path = path_of(roots.root, command, searched(found, search_path)) if command.certain else None
        if path is not None:
            yield command, path


def _located(script: Program, command: Command, path: str, roots: Rooted, search_path: str | None) -> Located:
    node = roots.root.lookup(path)
    if node is None:
        return Located(())
    why = f"runs it (line {command.line})"
    with roots.root.open(node) as stream:
        facts = None if sniff(stream, path) is Kind.SCRIPT else read_elf(stream, origin=path)
    if facts is not None:
        return Located(
            (Program(path, roots.root, path, node, facts, keeps_path=True, asked_by=script.given, asked_for=why),)
        )
    from scratchpack.pipeline.scripts import with_interpreters

    found = with_interpreters(path, roots.root, path, node, True, roots.root, search_path)
    return found._replace(
        programs=(found.programs[0]._replace(asked_by=script.given, asked_for=why), *found.programs[1:])
    )
