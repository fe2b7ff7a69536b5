"""A shell script goes in; out come a list of the commands it runs, with the option that packs them, and the files beside it that travel (N43, N47)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.elf.kind import Kind, sniff
from scratchpack.loader.scripts import DEFAULT_PATH
from scratchpack.needs.base import Contribution, Finding
from scratchpack.pipeline.scripting.launcher import launched
from scratchpack.pipeline.scripting.model import BESIDE, COMMANDS, ScriptNeeds, result
from scratchpack.pipeline.scripting.taken import Taken
from scratchpack.scripts.shell.program import placed, shell_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.needs.base import NeedResult
    from scratchpack.pipeline.scripting.model import Script
    from scratchpack.scripts.model import Command, Mention
    from scratchpack.scripts.shell.program import ShellProgram
    from scratchpack.sysroot.model import Sysroot

_LISTED = 12  # places of one kind that one line names


def shell_part(script: Script) -> ScriptNeeds:
    """What a shell script needs.

    Raises:
        ScriptError: it passes a limit.
    """
    found = shell_program(script.root, script.program.node, posixpath.basename(script.interpreter.path))
    return ScriptNeeds((*_commands(script, found), *_beside(script, found)))


def path_of(root: Sysroot, command: Command, search: tuple[str, ...]) -> str | None:
    """Where the image's shell would find a command; ``None`` where it would not."""
    tried = (
        (command.name,) if command.name.startswith("/") else (posixpath.join(place, command.name) for place in search)
    )
    for path in tried:
        node = root.lookup(path)
        if node is not None and node.kind == "file" and node.mode & 0o111:
            return path
    return None


def searched(found: ShellProgram, env_path: str | None) -> tuple[str, ...]:
    """PATH of the image, then what the script adds to it."""
    return (*(place for place in (env_path or DEFAULT_PATH).split(":") if place.startswith("/")), *found.search)


def _commands(script: Script, found: ShellProgram) -> tuple[NeedResult, ...]:
    search = searched(found, script.options.env.get("PATH"))
    at = {command: path_of(script.root, command, search) for command in found.commands}
    there = [command for command, path in at.items() if path is not None]
    certain = [command.name for command in there if command.certain]
    perhaps = [path for command, path in at.items() if path is not None and not command.certain]
    lines: list[str] = []
    always = script.mode(COMMANDS) == "always"
    if certain and not always:
        lines.append(f"{script.program.given} runs {_few(certain)}: add with --need commands=always")
    if perhaps:
        options = " ".join(f"--include {path}" for path in perhaps)
        lines.append(
            f"{script.program.given} may run {_few([posixpath.basename(path) for path in perhaps])}: add with {options}"
        )
    if line := launched(script, found, lambda command: path_of(script.root, command, search)):
        lines.append(line)
    nowhere = [command for command, path in at.items() if path is None and command.certain]
    doubt = ", unless a file that it sources defines it" if found.open_ended else ""
    notes = [
        f"{command.file}, line {command.line}, runs {command.name}, which is nowhere in PATH of {script.root.name}{doubt}"
        for command in nowhere
    ]
    notes += [
        f"{item.file}, line {item.line}: {item.what}: what runs there is known only when it runs"
        for item in found.unknown[:_LISTED]
    ]
    notes += found.warnings
    findings = [Finding("runs", at[c] or c.name, c.file, c.line, "" if c.certain else c.why) for c in found.commands]
    (made,) = result(script, COMMANDS, findings, Contribution(notes=tuple(notes)), suggestion="; ".join(lines)) or (
        None,
    )
    if made is None:
        return ()
    return (made._replace(decision="added") if always and certain and made.decision != "off" else made,)


def _few(names: list[str]) -> str:
    names = list(dict.fromkeys(names))
    return ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")


def _beside(script: Script, found: ShellProgram) -> Iterator[NeedResult]:
    taken = Taken(script, BESIDE)
    findings, notes = [], []
    for mention in found.mentions:
        path = placed(mention, script.path, mention.file)
        node = script.root.lookup(path)
        where = f"{mention.file}:{mention.line}"
        if node is None:
            if mention.how != "named":
                notes.append(f"{mention.file}, line {mention.line}: {path} is {mention.how}, and it is not there")
            continue
        if not taken.either(path, f"{where}: {mention.how}"):
            notes.append(
                f"{path} ({mention.how} in {mention.file}, line {mention.line}) is not taken: add it with --include {path}"
            )
        findings.append(Finding(_VERBS[mention.how], path, mention.file, mention.line))
        if mention.how == "run" and node.kind == "file" and _is_script(script.root, path):
            notes.append(_second(script, mention, path))
    yield from result(script, BESIDE, findings, taken.contribution(notes), beside=taken.moving())


_VERBS = {"sourced": "sources", "run": "runs", "named": "names"}


def _is_script(root: Sysroot, path: str) -> bool:
    node = root.lookup(path)
    if node is None:
        return False
    with root.open(node) as stream:
        return stream.read(2) == b"#!" and sniff(stream, path) is Kind.SCRIPT


def _second(script: Script, mention: Mention, path: str) -> str:
    return (
        f"{path}, which {mention.file} runs in line {mention.line}, is a script as well and is not looked into: "
        f"`scratchpack inspect {path}` shows what it needs beside what {script.program.given} does"
    )
