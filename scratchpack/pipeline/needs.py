"""Runtime needs of the programs of one run: examined until nothing new comes, what they bring joined to the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.entries import Keep
from scratchpack.errors import ClosureError, UsageError
from scratchpack.needs.base import NeedOptions
from scratchpack.needs.decide import examine
from scratchpack.needs.gate import gate_of
from scratchpack.request.model import DEFAULT_USER

if TYPE_CHECKING:
    from scratchpack.elf.evidence import Elf
    from scratchpack.loader.model import Resolution
    from scratchpack.needs.base import ElfRoot, NeedResult
    from scratchpack.needs.gate import Gate
    from scratchpack.pipeline.loading import Loading
    from scratchpack.request.model import Request

_ROUNDS = 10  # modules that need modules; real programs take two
_MAX_BUNDLE = 64 * 1024 * 1024


class Examination:
    """Asks the needs about each program, and opens what they bring in that program's namespace (R20)."""

    def __init__(self, loading: Loading, asked: Request, *, strict: bool) -> None:
        self._loading = loading
        self._strict = strict
        self._asked: dict[tuple[int, ElfRoot], Resolution | None] = {}
        self.notes: list[str] = []
        self._options = NeedOptions(
            modes=asked.need,
            env=dict(asked.env),
            user=asked.user or DEFAULT_USER,
            locales=asked.locale,
            timezones=asked.timezone,
            services=asked.service,
            ca_bundle=asked.ca_bundle,
            read_host=_read_host,
            keep=Keep(asked.preserve_modes, asked.preserve_privileges),
        )

    def run(self) -> tuple[NeedResult, ...]:
        """The results of all programs, one a need.

        Raises:
            NeedError: a need cannot be provided from the root.
            ClosureError: what a need opens is not found, or needs what is not.
        """
        numbers = range(len(self._loading.programs))
        for _ in range(_ROUNDS):
            found = [self._examine(number) for number in numbers]
            fresh = [
                (number, root)
                for number in numbers
                for need in found[number]
                for root in need.elf_roots
                if (number, root) not in self._asked
            ]
            if not fresh:
                return _joined([need for needs in found for need in needs])
            for number, root in fresh:
                self._open(number, root)
        raise UsageError("cannot settle what this program opens: its modules keep asking for more modules")

    def _examine(self, number: int) -> tuple[NeedResult, ...]:
        if self._loading.programs[number].is_script:
            return ()  # what it opens is its interpreter's doing
        closure = self._loading.of(number)
        return examine(closure.roots[0], closure, self._loading.root, self._view, self._options, strict=self._strict)

    def _view(self, resolution: Resolution) -> Elf:
        return self._loading.views.of(resolution.root, resolution.node, resolution.facts)

    def _open(self, number: int, root: ElfRoot) -> None:
        if root.program:
            self._asked[number, root] = None
            self._start(number, root)
            return
        gate = self._gate(number)
        # A name is searched as the loader does; a path is taken only from where a need may take files.
        names = (name for name in (root.name, *root.alternatives) if "/" not in name or gate.lookup(name) is not None)
        opened = (self._loading.open(number, name, root.requester) for name in names)
        found = next((resolution for resolution in opened if resolution is not None), None)
        self._asked[number, root] = found
        if found is None:
            text = f"{root.name}, which {root.requester} opens while it runs, is not in {self._loading.root.name}"
            if root.required and self._strict:
                raise ClosureError(
                    f"cannot pack {self._loading.programs[number].given}: {text}",
                    hint="install it in the root, or leave the need out with --need NAME=never",
                )
            self.notes.append(text)

    def _gate(self, number: int) -> Gate:
        return gate_of(self._loading.root, self._loading.of(number).roots[0], self._options.keep)

    def _start(self, number: int, root: ElfRoot) -> None:
        """A program that the program starts: its files came with the need, its libraries come from a namespace of its own."""
        from scratchpack.elf.reader import read_elf

        node = self._gate(number).lookup(root.name)
        if node is None:
            return
        with self._loading.root.open(node) as stream:
            facts = read_elf(stream, origin=node.canonical)
        self._loading.add(self._loading.root, node.canonical, facts, placed=node.canonical)


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
        )
    return tuple(table.values())


def _read_host(path: str) -> bytes:
    from scratchpack.elf.kind import open_input

    with open_input(path) as stream:
        data = stream.read(_MAX_BUNDLE + 1)
    if len(data) > _MAX_BUNDLE:
        raise UsageError(f"cannot read {path}: over 64 MiB is no bundle of certificates")
    return data
