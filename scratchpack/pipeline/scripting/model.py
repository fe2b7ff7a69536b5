"""One script of a run with all that its readers want, and the results that they give. Values only; no script is read here."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from scratchpack.needs.base import A, B, Evidence, NeedResult
from scratchpack.needs.gate import GIVEN
from scratchpack.record import NamedTuple
from scratchpack.rootfs import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.loader.model import Closure
    from scratchpack.needs.base import Contribution, Finding, NeedOptions
    from scratchpack.pipeline.model import Program
    from scratchpack.sysroot.model import Node, Sysroot

MAX_GIVEN = 400  # included sources that are looked into
MODULES, COMMANDS, BESIDE, PAYLOAD = "modules", "commands", "beside", "payload"


class Script(NamedTuple):
    """A script and the program that the kernel, or ``env``, finally starts for it."""

    program: Program
    interpreter: Program
    root: Sysroot
    closure: Closure  # of the interpreter
    options: NeedOptions

    @property
    def path(self) -> str:
        """The script's real path."""
        return self.program.node.canonical

    @property
    def is_here(self) -> bool:
        """Whether the root has it: with ``--root`` a relative name is a file of the host."""
        return _has(self.root, self.program.node)

    def paths(self) -> tuple[str, ...]:
        """Where the script and its interpreter stand in the root, as found and without links."""
        programs = [program for program in (self.program, self.interpreter) if _has(self.root, program.node)]
        return tuple(dict.fromkeys(path for program in programs for path in (program.path, program.node.canonical)))

    def mode(self, need: str) -> str:
        """What ``--need`` says of one of the needs of scripts."""
        return self.options.modes.get(need, "auto")


def _has(root: Sysroot, node: Node) -> bool:
    found = root.lookup(node.canonical)
    return found is not None and found.inode == node.inode


class ScriptNeeds(NamedTuple):
    """What one reader found: results for the report and the image.

    ``stops`` are lines, each a reason why the script cannot start.
    """

    needs: tuple[NeedResult, ...] = ()
    stops: tuple[str, ...] = ()
    for_interpreter: tuple[Evidence, ...] = ()  # for the interpreter's own needs: what the script uses of it


def given(script: Script, suffixes: tuple[str, ...]) -> tuple[Node, ...]:
    """Sources in the script's language that ``--include`` puts into the image: an app, whose server loads it by a word of its command line."""
    paths = cast("frozenset[str]", script.root.kept.get(GIVEN, frozenset()))
    found = (script.root.lookup(path) for path in sorted(paths) if path.endswith(suffixes))
    return tuple(node for node in found if node is not None and node.kind == "file")[:MAX_GIVEN]


def because(need: str, detail: str) -> tuple[Reason, ...]:
    """The reason of an entry that a script asks for."""
    return (Reason("need", need, detail),)


def evidence(need: str, found: Finding) -> Evidence:
    """One finding as the report shows it: certain (tier a), or with what stands against it (tier b)."""
    text = f"{found.verb} {found.name}" + (f" ({found.why})" if found.why else "")
    return Evidence(need, B if found.why else A, text, f"{found.file}:{found.line}")


def result(
    script: Script,
    need: str,
    findings: Iterable[Finding],
    found: Contribution,
    *,
    beside: tuple[str, ...] = (),
    suggestion: str = "",
) -> tuple[NeedResult, ...]:
    """One result; none where nothing was found and there is no note."""
    unique = tuple(dict.fromkeys(findings))
    shown = tuple(sorted((evidence(need, item) for item in unique), key=lambda item: item.tier))
    if not (unique or found.files or found.elf_roots or found.notes or suggestion):
        return ()
    tier = shown[0].tier if shown else A
    if script.mode(need) == "never":
        return (NeedResult(need, tier, "off", shown, findings=unique),)
    brings = bool(found.files or found.elf_roots or found.env)
    return (
        NeedResult(
            need, tier, "added" if brings else "suggested", shown, found.files, found.elf_roots, found.env,
            found.notes, suggestion, beside=beside, findings=unique,
        ),
    )  # fmt: skip
