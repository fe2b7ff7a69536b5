"""The scripts of one run: each is read by the reader of its interpreter's language, and what it needs comes out as results of needs.

Nothing of a script is executed (S1). What its reader cannot know is named in the report; a reader that gives up says so in a note.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.errors import ClosureError, InputError
from scratchpack.loader.model import Problem
from scratchpack.needs.base import Contribution
from scratchpack.pattern import pattern
from scratchpack.pipeline.scripting.archive import archive_part
from scratchpack.pipeline.scripting.launcher import offered
from scratchpack.pipeline.scripting.model import MODULES, Script, ScriptNeeds, result
from scratchpack.pipeline.scripting.taken import Taken

if TYPE_CHECKING:
    from collections.abc import Callable

    from scratchpack.needs.base import NeedOptions
    from scratchpack.needs.gate import Gate
    from scratchpack.pipeline.loading import Loading
    from scratchpack.pipeline.model import Program

_LANGUAGES = (  # a pattern of the interpreter's file name -> the reader's module
    (pattern(r"(?:ba|da|a|z|k|mk|rba)?sh\d*|busybox"), "shell"),
    (pattern(r"(?:python|pypy)[\d.]*t?"), "python"),
    (pattern(r"node(?:js)?\d*"), "node"),
    (pattern(r"perl[\d.]*"), "perl"),
    (pattern(r"ruby[\d.]*"), "ruby"),
)


class Scripting:
    """Results by the number of the interpreter in whose namespace a script's libraries are opened (R20)."""

    def __init__(self, loading: Loading, options: NeedOptions, *, strict: bool) -> None:
        self._loading, self._options, self._strict = loading, options, strict
        self._found: dict[int, ScriptNeeds] = {}
        self._gates: dict[int, Gate] = {}

    def part(self, number: int) -> ScriptNeeds:
        """What the script of an interpreter needs; empty for any other program.

        Raises:
            ClosureError: it imports what is nowhere, with file and line.
        """
        if number not in self._found:
            script = self._script(number)
            self._found[number] = ScriptNeeds() if script is None else self._examined(script)
        return self._found[number]

    def gate(self, number: int) -> Gate | None:
        """What may be opened for a script: its interpreter's files and its own."""
        if number not in self._gates and (script := self._script(number)) is not None:
            trees = dict.fromkeys(
                posixpath.dirname(root.name)
                for need in self.part(number).needs
                for root in need.elf_roots
                if "/" in root.name
            )
            self._gates[number] = Taken(script, MODULES, trees).gate
        return self._gates.get(number)

    def _script(self, number: int) -> Script | None:
        """The innermost script of the chain that ends with this interpreter."""
        programs = self._loading.programs
        interpreter = programs[number]
        chain = [p for p in programs if p.asked_by == interpreter.asked_by and p.asked_for == interpreter.asked_for]
        if not interpreter.asked_by or interpreter != chain[-1]:
            return None
        asking = next((p for p in programs if p.given == interpreter.asked_by and p.is_script), None)
        if asking is None:
            return None
        inner = next((program for program in reversed(chain) if program.is_script), asking)
        return Script(inner, interpreter, self._loading.root, self._loading.of(number), self._options)

    def _examined(self, script: Script) -> ScriptNeeds:
        if not script.is_here:
            note = f"{script.program.given} lies outside of {script.root.name}: what it imports and runs was not looked for there"
            return ScriptNeeds(result(script, MODULES, (), Contribution(notes=(note,))))
        try:
            part = self._part(script)
        except InputError as error:
            note = f"{error.message}: what it needs must be named with --include"
            return ScriptNeeds(result(script, MODULES, (), Contribution(notes=(note,))))
        if part.stops and script.mode(MODULES) != "never":
            if self._strict:
                raise ClosureError(
                    f"cannot pack {script.program.given}: what it imports is not there",
                    details=part.stops,
                    hint="install it where the interpreter looks for it, or pack all the same with --need modules=never and --include what it needs",
                )
            for line in part.stops:
                name, _, detail = line.partition(": ")
                self._loading.report(Problem("import", "error", script.program.path, name, detail))
        return part

    def _part(self, script: Script) -> ScriptNeeds:
        found = archive_part(script)
        if found is not None:
            return found
        known = language(script.interpreter)
        if known is not None:
            return _reader(known)(script)
        name = posixpath.basename(script.interpreter.path)
        note = f"{script.program.given} is a script for {name}, which is not looked into: what it loads and runs must be named with --include"
        return ScriptNeeds(result(script, MODULES, (), Contribution(notes=(note + offered(script),))))


def language(interpreter: Program) -> str | None:
    """The language of an interpreter by the name it is started with, else by its real one; ``None`` for one without a reader."""
    for path in (interpreter.path, interpreter.node.canonical):
        for names, name in _LANGUAGES:
            if names.fullmatch(posixpath.basename(path)):
                return name
    return None


def language_of(program: Program) -> str | None:
    """The language that a program speaks by the very name it is started with: one file with many names is another program under each."""
    name = posixpath.basename(program.path)
    return next((spoken for names, spoken in _LANGUAGES if names.fullmatch(name)), None)


def _reader(name: str) -> Callable[[Script], ScriptNeeds]:
    from importlib import import_module

    found: Callable[[Script], ScriptNeeds] = getattr(
        import_module(f"scratchpack.pipeline.scripting.{name}"), f"{name}_part"
    )
    return found
