"""A shell script with the files that it sources: a path of a root goes in, one list of commands comes out (N43, N47)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, TypeVar

from scratchpack.errors import InputError
from scratchpack.record import NamedTuple
from scratchpack.scripts.model import Command, Mention, SourceText, Unknown
from scratchpack.scripts.shell.builtins import RESERVED, builtins
from scratchpack.scripts.shell.reader import ShellReading, read_shell
from scratchpack.scripts.text import read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.sysroot.model import Node, Sysroot

_T = TypeVar("_T")
MAX_FILES = 64  # sourced by one script, in all


class ShellProgram(NamedTuple):
    """What a script runs and names, with everything it sources.

    ``commands`` has each name once, the certain ones first. ``missing`` are files of constant names that are sourced and not there.
    ``search`` are the directories that the script adds to PATH itself. With ``open_ended`` it also sources what could not be read: a command
    that is found nowhere may be a function of that.
    """

    files: tuple[str, ...]
    commands: tuple[Command, ...]
    mentions: tuple[Mention, ...]
    unknown: tuple[Unknown, ...]
    missing: tuple[Mention, ...]
    search: tuple[str, ...]
    warnings: tuple[str, ...]
    open_ended: bool = False


def shell_program(root: Sysroot, script: Node, shell: str = "sh") -> ShellProgram:
    """Read a script and what it sources; ``shell`` is the name of its interpreter's program, for the builtins.

    Raises:
        ScriptError: the script itself passes a limit; of a sourced file that is a warning.
    """
    return shell_text(root, read(root, script), shell)


def shell_text(root: Sysroot, script: SourceText, shell: str = "sh") -> ShellProgram:
    """Read a text of shell, a command line for example, and what it sources.

    Raises:
        ScriptError: it passes a limit; of a sourced file that is a warning.
    """
    readings = {script.path: read_shell(script)}
    missing: dict[Mention, None] = {}
    warnings: list[str] = []
    ahead: list[Node] = []

    def follow(holder: str) -> None:
        for mention in readings[holder].mentions:
            if mention.how != "sourced":
                continue
            found = root.lookup(placed(mention, script.path, holder))
            if found is None or found.kind != "file":
                missing[mention] = None
            elif len(readings) + len(ahead) < MAX_FILES:
                ahead.append(found)
            else:
                warnings.append(f"{script.path} sources over {MAX_FILES} files: {mention.path} was not looked into")

    follow(script.path)
    while ahead:
        node = ahead.pop(0)
        if node.canonical in readings:
            continue
        try:
            readings[node.canonical] = read_shell(read(root, node))
        except InputError as error:
            warnings.append(error.message)
            readings[node.canonical] = ShellReading()
        follow(node.canonical)
    warnings += [
        f"{path}: line {reading.broken[0]} does not parse as shell; commands there are uncertain"
        for path, reading in readings.items()
        if reading.broken
    ]
    return ShellProgram(
        tuple(readings),
        _commands(readings, builtins(shell)),
        _once(m for reading in readings.values() for m in reading.mentions),
        _once(u for reading in readings.values() for u in reading.unknown),
        tuple(missing),
        _once(d for reading in readings.values() for d in reading.search),
        tuple(dict.fromkeys(warnings)),
        bool(missing) or any(unknown.sources for reading in readings.values() for unknown in reading.unknown),
    )


def placed(mention: Mention, script: str, holder: str) -> str:
    """The path in the root that a mention names: ``$0`` is the script also in what it sources, ``BASH_SOURCE`` mostly beside it."""
    if mention.base == "root":
        return mention.path
    return posixpath.normpath(
        posixpath.join(posixpath.dirname(script if mention.how == "sourced" else holder), mention.path)
    )


def _commands(readings: dict[str, ShellReading], known: frozenset[str]) -> tuple[Command, ...]:
    """Each name once: the first place where it is certain, else the first place."""
    functions = frozenset(name for reading in readings.values() for name in reading.functions)
    reached = _reached(readings.values(), functions)
    optional = {
        asked.name: f"line {asked.line} tests whether it is there"
        for reading in readings.values()
        for asked in reading.asked
        if not asked.required
    }
    found: dict[str, Command] = {}
    for path, reading in readings.items():
        required = [(a.name, a.line, a.function, "") for a in reading.asked if a.required and a.name not in optional]
        for name, line, function, doubt in (*reading.calls, *required):
            if name in functions or name in known or name in RESERVED:
                continue
            why = doubt or optional.get(name, "")
            if function and function not in reached:
                why = why or f"in the function {function}, which nothing calls"
            command = Command(name, path, line, not why, why)
            if name not in found or (command.certain and not found[name].certain):
                found[name] = command
    return tuple(sorted(found.values(), key=lambda command: (not command.certain, command.file, command.line)))


def _reached(readings: Iterable[ShellReading], functions: frozenset[str]) -> frozenset[str]:
    """The functions that are called from outside any function, or from one that is; a name as an argument counts as a call."""
    calls: dict[str, set[str]] = {}
    for reading in readings:
        for call in reading.calls:
            calls.setdefault(call.function, set()).add(call.name)
        for function, word in reading.words:
            if word in functions:
                calls.setdefault(function, set()).add(word)
    reached: set[str] = set()
    ahead = [""]
    while ahead:
        for name in calls.get(ahead.pop(), ()):
            if name in functions and name not in reached:
                reached.add(name)
                ahead.append(name)
    return frozenset(reached)


def _once(values: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(values))
