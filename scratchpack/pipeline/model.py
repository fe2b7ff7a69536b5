"""The values between the steps of one run: roots, programs, plans, and what was written. Nothing is read here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from scratchpack.elf.model import Linkage
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from scratchpack.elf.machines import Platform
    from scratchpack.elf.model import ElfFacts
    from scratchpack.loader.model import Closure, Problem
    from scratchpack.needs.base import NeedResult
    from scratchpack.oci.model import ImageConfig, Layer, Release
    from scratchpack.rootfs import Rootfs
    from scratchpack.sinks.model import Receipt
    from scratchpack.sysroot.model import Node, Sysroot


class Rooted(Protocol):
    """The roots that a plan is made from."""

    @property
    def host(self) -> Sysroot:
        """Where a relative name and what ``--include`` names stand."""

    @property
    def root(self) -> Sysroot:
        """Where libraries and data come from."""


class Program(NamedTuple):
    """One binary that was named on the command line."""

    given: str  # as typed
    root: Sysroot  # the root it stands in: the host's, or --root
    path: str  # absolute, in that root, links not followed
    node: Node
    facts: ElfFacts
    keeps_path: bool  # under a system prefix, or named inside --root
    asked_by: str = ""  # of a script's interpreter, or of a command that it runs: the script
    asked_for: str = "#!"  # how the script asks for it

    @property
    def is_script(self) -> bool:
        """Whether the kernel starts an interpreter for it; ``facts`` are then that interpreter's."""
        return self.facts.linkage is Linkage.SCRIPT


class Located(NamedTuple):
    """What one name on the command line stands for: the program, then the interpreters of a script."""

    programs: tuple[Program, ...]
    problems: tuple[Problem, ...] = ()


class Plan(NamedTuple):
    """What would be packed for one platform, and why."""

    programs: tuple[Program, ...]
    placed: tuple[str, ...]  # each program's path in the image
    platform: Platform
    closure: Closure  # of the start, nothing resolved in it: static; what a need has mapped is in the need's own
    needs: tuple[NeedResult, ...]
    rootfs: Rootfs
    config: ImageConfig
    warnings: tuple[str, ...]
    interpreters: tuple[str, ...] = ()  # of a script: the chain that its #! lines name
    notes: tuple[str, ...] = ()  # what was done to the files on request, one line each for the report
    below: tuple[Layer, ...] = ()  # layers of the base that it stands on

    def __repr__(self) -> str:
        return f"<Plan {self.placed[0]} {self.platform}: {len(self.rootfs)} files, {len(self.errors)} problems>"

    @property
    def closures(self) -> tuple[Closure, ...]:
        """That of the start, then those of the needs."""
        return (self.closure, *(need.closure for need in self.needs if need.closure is not None))

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What stops the program, or what it opens, from loading."""
        return tuple(dict.fromkeys(problem for closure in self.closures for problem in closure.errors))

    def to_json(self) -> str:
        """The document that ``inspect --json`` prints (``docs/schema/inspect.json``)."""
        from scratchpack.report.json import dumps, plan_document

        return dumps(plan_document(self))


class Packed(NamedTuple):
    """What one run wrote."""

    plans: tuple[Plan, ...]
    release: Release | None
    references: tuple[str, ...]
    receipts: tuple[Receipt, ...]

    def __repr__(self) -> str:
        places = ", ".join(receipt.dest for receipt in self.receipts) or "nothing written"
        return f"<Packed {', '.join(self.references) or 'without a name'}: {places}>"

    def to_json(self) -> str:
        """The document that ``--metadata-file`` holds: the first plan, the others beside it, images and outputs."""
        from scratchpack.report.json import dumps, metadata_document

        return dumps(metadata_document(self))
