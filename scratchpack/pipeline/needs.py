"""Runtime needs: the programs of one run go in and are examined until nothing new comes; one result a need comes out, with what each brings joined to the loading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.elf.model import Linkage
from scratchpack.entries import Keep
from scratchpack.errors import ClosureError, UsageError
from scratchpack.needs.base import NeedOptions
from scratchpack.needs.decide import examine
from scratchpack.needs.gate import gate_of
from scratchpack.needs.names import SCRIPT_NEEDS
from scratchpack.pipeline.closures import with_closures
from scratchpack.pipeline.locate import refuse_system
from scratchpack.pipeline.payload import payload_needs

if TYPE_CHECKING:
    from scratchpack.elf.evidence import Elf
    from scratchpack.loader.model import Resolution
    from scratchpack.needs.base import ElfRoot, Evidence, NeedResult
    from scratchpack.needs.gate import Gate
    from scratchpack.pipeline.loading import Loading
    from scratchpack.pipeline.scripting.examine import Scripting
    from scratchpack.request.model import Request

_ROUNDS = 10  # modules that need modules; real programs take two
_SHOWN = 6  # names that a note gives
_MAX_BUNDLE = 64 * 1024 * 1024


class Examination:
    """Asks the needs about each program, and opens what they bring in that program's namespace (R20)."""

    def __init__(self, loading: Loading, asked: Request, *, strict: bool, beside: tuple[Evidence, ...] = ()) -> None:
        self._loading = loading
        self._strict = strict
        self._existing = asked.command == "slim"
        self._refused: dict[tuple[int, str, str], str] = {}  # (program, name, requester) -> why it would not load
        self._nowhere: dict[ElfRoot, str] = {}  # guesses that lead to nothing
        self._left_out: set[str] = set()  # paths of programs that would not start
        self._asked: dict[tuple[int, ElfRoot], Resolution | None] = {}
        self._started: dict[ElfRoot, str] = {}  # programs that the programs start -> their paths in the image
        self._notes: list[str] = []
        self._scripting: Scripting | None = None
        self._payloads: dict[int, tuple[NeedResult, ...]] = {}
        self._lacking: list[str] = []
        self._options = NeedOptions(
            modes=asked.need,
            env=dict(asked.env),
            user=asked.account,
            locales=asked.locale,
            timezones=asked.timezone,
            services=asked.service,
            ca_bundle=asked.ca_bundle,
            read_host=_read_host,
            beside=beside,
            keep=Keep(asked.preserve_modes, asked.preserve_privileges),
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the report must know: what could not be loaded, and what the root lacks."""
        return tuple(dict.fromkeys((*self._notes, *(self._lacking if self._strict or self._existing else ()))))

    def run(self) -> tuple[NeedResult, ...]:
        """The results of all programs, one a need.

        Raises:
            NeedError: a need cannot be provided from the root.
            ClosureError: what a need opens is not found, or needs what is not.
        """
        numbers = range(len(self._loading.programs))
        for _ in range(_ROUNDS):
            found = [self._examine(number) for number in numbers]
            self._lacking = [need.suggestion for needs in found for need in needs if need.decision == "unavailable"]
            fresh = [
                (number, root)
                for number in numbers
                for need in found[number]
                for root in need.elf_roots
                if (number, root) not in self._asked
            ]
            if not fresh:
                results = _without(_joined([need for needs in found for need in needs]), self._left_out)
                results = tuple(self._noted(need) for need in results)
                return with_closures(results, self._loading, self._opened(), self._started)
            while fresh:
                for number, root in fresh:
                    self._open(number, root)
                fresh = self._unloadable({number for number, _ in fresh})
        raise UsageError("cannot settle what this program opens: its modules keep asking for more modules")

    def _opened(self) -> dict[ElfRoot, list[tuple[int, str]]]:
        """Each root that was found, with the programs that open it and where."""
        opened: dict[ElfRoot, list[tuple[int, str]]] = {}
        for (number, root), found in self._asked.items():
            if found is not None:
                opened.setdefault(root, []).append((number, found.path))
        return opened

    def _noted(self, need: NeedResult) -> NeedResult:
        """The need with a line on those of its guesses that lead nowhere: nothing says that they ever do."""
        names = [name for root, name in self._nowhere.items() if root in need.elf_roots]
        if not names:
            return need
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        line = f"{need.name}: not in {self._loading.root.name}, and named in strings alone: {shown}"
        return need._replace(notes=(*need.notes, line))

    def _examine(self, number: int) -> tuple[NeedResult, ...]:
        if self._loading.programs[number].is_script:
            return ()  # its interpreter opens what it needs, and is examined for it
        program, closure = self._loading.program(number), self._loading.of(number)
        self._refuse_other_go(number, program)
        of_script, evidence = self._of_script(number)
        options = self._options._replace(beside=(*self._options.beside, *evidence)) if evidence else self._options
        found = examine(program, closure, self._loading.root, self._view, options, strict=self._strict)
        for item in (program, *closure.roots, *closure.resolved):
            self._notes += [f"{item.path}: {why}" for why in self._view(item).faults]
        return (*found, *of_script)

    def _of_script(self, number: int) -> tuple[tuple[NeedResult, ...], tuple[Evidence, ...]]:
        """What the script that this interpreter runs needs, and evidence for the interpreter's own needs (N43 to N48).

        A program that no script asks for may carry a payload, which has needs of its own; without one, nothing comes out.
        The libraries of a script are opened in its interpreter's namespace.
        """
        program = self._loading.programs[number]
        if program.asked_for != "#!" or not program.asked_by:
            if number not in self._payloads:
                self._payloads[number] = payload_needs(program)
            return self._payloads[number], ()
        if self._scripting is None:
            from scratchpack.pipeline.scripting.examine import Scripting

            self._scripting = Scripting(self._loading, self._options, strict=self._strict)
        part = self._scripting.part(number)
        return part.needs, part.for_interpreter

    def _refuse_other_go(self, number: int, program: Resolution) -> None:
        """Go's static programs for DragonFly bear no mark of their system but in what Go says of the build.

        Raises:
            InputError: it was built for another operating system.
        """
        if program.facts.linkage is not Linkage.STATIC or not (view := self._view(program)).is_go():
            return
        system = dict(view.go_build.settings).get("GOOS", "linux") if view.go_build is not None else "linux"
        if system != "linux":
            refuse_system(self._loading.programs[number].given, f"{system} (GOOS)")

    def _view(self, resolution: Resolution) -> Elf:
        return self._loading.views.of(resolution.root, resolution.node, resolution.facts)

    def _open(self, number: int, root: ElfRoot) -> None:
        if root.program:
            self._asked[number, root] = None
            self._start(number, root)
            return
        gate = self._gate(number)
        # A name is searched as the loader does; a path is taken only from where a need may take files.
        asked = [
            name for name in (root.name, *root.alternatives) if (number, name, root.requester) not in self._refused
        ]
        names = (name for name in asked if "/" not in name or gate.lookup(name) is not None)
        opened = (self._taken(number, name, root.requester) for name in names)
        found = next((resolution for resolution in opened if resolution is not None), None)
        self._asked[number, root] = found
        if found is None:
            refused = self._refused.get((number, root.name, root.requester))
            why = f"cannot be loaded: {refused}" if refused else f"is not in {self._loading.root.name}"
            text = f"{root.name}, which {root.requester} opens while it runs, {why}"
            if root.required and self._strict:
                raise ClosureError(
                    f"cannot pack {self._loading.programs[number].given}: {text}",
                    hint="install it in the root, or leave the need out with --need NAME=never",
                )
            if refused:
                self._notes.append(f"{text}; it is left out")
            elif root.guess:
                self._nowhere[root] = root.name
            else:
                self._notes.append(text)

    def _taken(self, number: int, name: str, requester: str) -> Resolution | None:
        """What the loader finds by this name, where it may be taken: a search path is the program's word as well.

        Beside what the loader takes from a directory at start, by a name that is no string, more of it may be taken.
        """
        found = self._loading.open(number, name, requester)
        if found is None or "/" in name or found.root is not self._loading.root:
            return found
        gate = self._gate(number)
        if self._loading.is_place_of(number, found) or gate.lookup(found.path) is not None:
            return found
        self._loading.forget(number, name, requester)
        self._notes.append(
            f"{name}, which {requester} opens while it runs, is not taken from {found.path}: "
            f"{gate.withheld.get(found.node.canonical, 'it may not be')}; add it with --include"
        )
        return None

    def _unloadable(self, numbers: set[int]) -> list[tuple[int, ElfRoot]]:
        """What was opened and would not load, taken back: each is asked for again, by its next name (N34)."""
        again: dict[tuple[int, ElfRoot], None] = {}
        for number in sorted(numbers):
            for opened, problem in self._loading.take_back(number).items():
                what = "is not found" if problem.kind == "missing" else problem.detail or problem.kind
                why = f"{problem.name}, needed by {problem.requester}, {what}"
                self._refused[number, opened.name, opened.requester] = why
                again |= {
                    (number, root): None
                    for of, root in self._asked
                    if (of, root.requester) == (number, opened.requester)
                    and opened.name in (root.name, *root.alternatives)
                }
        return list(again)

    def _gate(self, number: int) -> Gate:
        if self._scripting is not None and (gate := self._scripting.gate(number)) is not None:
            return gate
        return gate_of(self._loading.root, self._loading.program(number), self._options.keep)

    def _start(self, number: int, root: ElfRoot) -> None:
        """A program that the program starts: its files came with the need, its libraries come from a namespace of its own."""
        from scratchpack.elf.reader import read_elf

        node = self._gate(number).lookup(root.name)
        if node is None:
            return
        with self._loading.root.open(node) as stream:
            facts = read_elf(stream, origin=node.canonical)
        self._started[root] = node.canonical
        problems = self._loading.add(
            self._loading.root, node.canonical, facts, placed=node.canonical, optional=not root.required
        )
        if problems and not root.required:
            self._left_out.add(node.canonical)
            why = f"{problems[0].name}, needed by {problems[0].requester}, is not found"
            self._notes.append(f"{node.canonical} is left out, it would not start: {why}")


def _joined(needs: list[NeedResult]) -> tuple[NeedResult, ...]:
    """One result a need: several programs may show the same one."""
    table: dict[str, NeedResult] = {}
    for need in needs:
        old = table.get(need.name)
        if old is None:
            table[need.name] = need
            continue
        known = {entry.path for entry in old.files}
        stronger = min(old, need, key=lambda item: (item.decision != "added", item.tier))
        table[need.name] = stronger._replace(
            evidence=tuple(dict.fromkeys((*old.evidence, *need.evidence))),
            files=(*old.files, *(entry for entry in need.files if entry.path not in known)),
            elf_roots=tuple(dict.fromkeys((*old.elf_roots, *need.elf_roots))),
            env={**old.env, **need.env},
            notes=tuple(dict.fromkeys((*old.notes, *need.notes))),
            suggestion=_both(old, need) if need.name in SCRIPT_NEEDS else stronger.suggestion,
            beside=tuple(dict.fromkeys((*old.beside, *need.beside))),
        )
    return tuple(table.values())


def _both(old: NeedResult, need: NeedResult) -> str:
    """Two scripts run different commands: each is listed."""
    return "; ".join(dict.fromkeys(text for text in (old.suggestion, need.suggestion) if text))


def _without(needs: tuple[NeedResult, ...], left_out: set[str]) -> tuple[NeedResult, ...]:
    """The results, less the programs that would not start."""
    if not left_out:
        return needs
    return tuple(
        need._replace(files=tuple(entry for entry in need.files if entry.path not in left_out)) for need in needs
    )


def _read_host(path: str) -> bytes:
    from scratchpack.elf.kind import open_input

    with open_input(path) as stream:
        data = stream.read(_MAX_BUNDLE + 1)
    if len(data) > _MAX_BUNDLE:
        raise UsageError(f"cannot read {path}: over 64 MiB is no bundle of certificates")
    return data
