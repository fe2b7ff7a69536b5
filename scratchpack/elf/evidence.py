"""Lazy, bounded views over one ELF file: what it imports, says in notes, and holds as text. Evidence, never decisions.

Each view opens the file when it is first asked for and closes it again; what was read is kept.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from scratchpack.elf.budget import Budget
from scratchpack.elf.image import PT_NOTE, ElfImage
from scratchpack.elf.notes import notes_of
from scratchpack.errors import ElfError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from scratchpack.elf.gobuild import FunctionNames, GoBuild
    from scratchpack.elf.model import ElfFacts, Note
    from scratchpack.elf.rust import Crate
    from scratchpack.elf.sections import Section
    from scratchpack.elf.symbols import Imports

T = TypeVar("T")


class Elf:
    """One ELF file and what can be found in it beyond its facts.

    Args:
        open: opens the file anew; for a file of a root ``lambda: root.open(node)``, which compares it (S10).
        facts: what :func:`scratchpack.elf.reader.read_elf` gave for it.
        run: the budget of the run that asks; every view of this file counts against one budget within it (S4).

    Every view raises :class:`scratchpack.errors.LimitError` where the file asks for too much.
    """

    def __init__(self, open: Callable[[], BinaryIO], facts: ElfFacts, run: Budget | None = None) -> None:  # noqa: A002 - what it is
        self._open = open
        self.facts = facts
        self._budget = Budget(facts.origin, within=run)
        self._scanned: dict[tuple[frozenset[str], bool], Mapping[str, tuple[str, ...]]] = {}
        self._faults: dict[str, None] = {}

    @property
    def faults(self) -> tuple[str, ...]:
        """Why views that were asked for so far left something out: a sentence each, which does not name the file."""
        return tuple(self._faults)

    def _read(self, view: Callable[[ElfImage], T]) -> T:
        with self._open() as stream:
            return view(ElfImage(stream, self.facts.origin, self._budget))

    def _try(self, view: Callable[[ElfImage], T], nothing: T) -> T:
        """A view that the loader does not need: what cannot be read is no evidence, and no error."""
        try:
            return self._read(view)
        except ElfError as error:
            self._faults.setdefault(error.message.removeprefix(f"cannot read {self.facts.origin}: "))
            return nothing

    @cached_property
    def _imports(self) -> Imports:
        from scratchpack.elf.symbols import read_imports

        def view(image: ElfImage) -> Imports:
            self._notes = _all_notes(image)  # whoever asks for the one asks for the other: one opening for both
            return read_imports(image)

        return self._read(view)

    @cached_property
    def _exports(self) -> frozenset[str]:
        from scratchpack.elf.symbols import read_exports

        return self._read(read_exports)

    def imports(self) -> frozenset[str]:
        """Undefined dynamic symbols, without versions.

        Raises:
            ElfError: the tables contradict the file; so for ``weak_imports`` and ``exports``.
        """
        return self._imports.names

    def weak_imports(self) -> frozenset[str]:
        """Those of the imports that may stay undefined."""
        return self._imports.weak

    def exports(self) -> frozenset[str]:
        """Defined dynamic symbols, without versions."""
        return self._exports

    @cached_property
    def _notes(self) -> tuple[Note, ...]:
        return self._read(_all_notes)

    def notes(self) -> tuple[Note, ...]:
        """Records of every PT_NOTE; a note's owner has no closing NUL."""
        if any(note.owner == b"FDO" for note in self._notes):
            from scratchpack.elf.dlopen import unread

            self._faults |= dict.fromkeys(unread(self._notes))
        return self._notes

    def package(self) -> Mapping[str, str]:
        """What the file says it was packaged as (N30)."""
        from scratchpack.elf.dlopen import package

        return package(self._notes)

    @cached_property
    def section_table(self) -> tuple[Section, ...]:
        """Sections with their place and size; empty where the headers were stripped."""
        from scratchpack.elf.sections import read_sections

        return self._try(read_sections, ())

    def sections(self) -> tuple[str, ...]:
        """Section names; empty where the headers were stripped."""
        return tuple(section.name for section in self.section_table)

    def section(self, name: str, limit: int = 1 << 20) -> bytes:
        """The first ``limit`` bytes of a section; empty without it."""
        from scratchpack.elf.sections import section_bytes

        return self._try(lambda image: section_bytes(image, name, limit), b"")

    def scan(self, fragments: Iterable[str], *, code: bool = False) -> Mapping[str, tuple[str, ...]]:
        """For each literal that occurs: the runs of printable bytes it occurs in. One reading of the file for all.

        In a Go program only strings of its C parts: its own stand in one run that names all that its library might open.

        Args:
            fragments: the literals.
            code: look into the machine code alone, and not at data.
        """
        from scratchpack.elf import scan

        asked = frozenset(fragments)
        if (asked, code) not in self._scanned:
            parts = scan.code if code else scan.constants if self._linked_by_go else scan.readable
            patterns = scan.Patterns(asked)
            found = self._read(lambda image: scan.scan(image, patterns, parts(image))) if asked else {}
            self._scanned[asked, code] = found
        return self._scanned[asked, code]

    @cached_property
    def go_build(self) -> GoBuild | None:
        """The Go build information (N31)."""
        from scratchpack.elf.gobuild import read_build

        return self._try(read_build, None)

    @cached_property
    def go_names(self) -> FunctionNames | None:
        """The names of all Go functions (N31)."""
        from scratchpack.elf.gobuild import function_names

        return self._try(function_names, None)

    @cached_property
    def _linked_by_go(self) -> bool:
        """Its note or its function table, which no option leaves out; without section headers the table is searched for."""
        from scratchpack.elf.gobuild import TABLE_SECTION, has_note

        if has_note(self._notes) or any(name.endswith(TABLE_SECTION) for name in self.sections()):
            return True
        return not self.section_table and self.go_names is not None

    def is_go(self) -> bool:
        """Whether the Go linker made it."""
        return self._linked_by_go or self.go_build is not None

    def go_functions(self, names: Iterable[str]) -> frozenset[str]:
        """Those of ``names`` that the function table holds; a trailing ``*`` stands for any end."""
        return self.go_names.among(names) if self.go_names is not None else frozenset()

    def rustc(self) -> str | None:
        """The version of the Rust compiler, where it was left in (N32)."""
        from scratchpack.elf.rust import compiler

        return self._try(compiler, None)

    def crates(self) -> tuple[Crate, ...]:
        """The crates that cargo-auditable listed (N32)."""
        from scratchpack.elf.rust import crates

        return self._try(crates, ())


def _all_notes(image: ElfImage) -> tuple[Note, ...]:
    return tuple(notes_of(image, (part for part in image.segments if part.type == PT_NOTE)))
