"""What an image starts, followed inside its own layers as its kernel and loader would; then what those programs open later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.elf.kind import Kind, sniff
from scratchpack.elf.machines import oci_platform
from scratchpack.elf.model import Linkage
from scratchpack.elf.reader import read_elf
from scratchpack.elf.views import Views
from scratchpack.errors import ScratchpackError
from scratchpack.images.launch import Launch, launch
from scratchpack.loader.model import Closure, FoundBy, LoaderEnv, Resolution
from scratchpack.loader.objects import Objects
from scratchpack.loader.resolve import LoaderSession, Placed
from scratchpack.loader.scripts import interpreters
from scratchpack.needs.base import NeedOptions
from scratchpack.needs.decide import examine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scratchpack.elf.evidence import Elf
    from scratchpack.elf.model import ElfFacts
    from scratchpack.needs.base import NeedResult
    from scratchpack.oci.source import StoredImage
    from scratchpack.sysroot.model import Node, Sysroot

_STATIC = frozenset({Linkage.STATIC, Linkage.STATIC_PIE, Linkage.COMPRESSED})


class Started:
    """One image's start. After :meth:`run` the lists are filled, one line each."""

    def __init__(self, image: StoredImage, root: Sysroot) -> None:
        self._image, self._root = image, root
        self._objects = Objects()
        self.issues: list[str] = []
        self.checked: list[str] = []
        self.unchecked: list[str] = []
        self.notes: list[str] = []
        self.closures: list[Closure] = []  # of each program of the start that loads something

    def run(self) -> None:
        """Find what the image starts and resolve it.

        Raises:
            ScratchpackError: a config or a program that cannot be read; what was found before stays.
        """
        start = launch(self._image.config, self._root)
        self.issues += start.problems
        if not start.argv:
            self.unchecked.append("it starts nothing by itself (neither Entrypoint nor Cmd), so nothing was resolved")
            return
        found = start.program(self._root)
        if found is None:
            self.issues.append(f"{start.argv[0]}: what the image starts is not in it, or is no file")
            return
        path, node = found
        if not node.mode & 0o111:
            self.issues.append(f"{path}: what the image starts is not executable (mode {node.mode:04o})")
        for program in self._programs(path, node, start):
            at = self._root.lookup(program.path)
            facts = None if at is None else self._facts(program.path, at)
            if at is not None and facts is not None:
                self._resolve(program, at, facts, start)
        self.unchecked.append(
            "programs that this one starts, and what it opens by names made while it runs, were not looked at"
        )

    def _programs(self, path: str, node: Node, start: Launch) -> tuple[Placed, ...]:
        if self._facts(path, node) is not None:
            return (Placed(self._root, path),)
        chain = interpreters(
            Placed(self._root, path), self._root, self._objects, search_path=start.search_path, cwd=start.cwd
        )
        self.issues += [f"{p.name}: {p.detail}, asked for by {p.requester}" for p in chain.problems]
        self.checked.append(f"{path} is a script")
        return chain.programs

    def _facts(self, path: str, node: Node) -> ElfFacts | None:
        with self._root.open(node) as stream:
            return None if sniff(stream, path) is Kind.SCRIPT else read_elf(stream, origin=path)

    def _resolve(self, program: Placed, node: Node, facts: ElfFacts, start: Launch) -> None:
        wanted, claimed = oci_platform(facts.machine), self._image.platform
        if (claimed.os, claimed.architecture) != (wanted.os, wanted.architecture):
            self.issues.append(f"{program.path}: is for {wanted}, and the image says {claimed} (I6)")
        if facts.linkage is Linkage.SHARED_OBJECT:
            self.issues.append(f"{program.path}: is a shared library, which nothing starts by itself")
            return
        session = None
        if facts.linkage in _STATIC:
            by = Resolution(program.path, program.path, node, self._root, FoundBy.ROOT, "", facts)
            closure = Closure((by,), (), (), ())
            self.checked.append(
                f"{program.path} is {'compressed' if facts.linkage is Linkage.COMPRESSED else 'static'}"
            )
        else:
            secure = bool(node.mode & 0o6000) or "security.capability" in self._root.xattrs(node)
            env = _loader_env(dict(start.env), start.cwd, secure=secure)
            session = LoaderSession(program, self._root, env, self._objects)
            closure = session.closure
            self.closures.append(closure)
            self.issues += problems(closure)
            self.checked.append(
                f"{program.path} finds all of its {len(closure.resolved)} libraries"
                if not closure.errors
                else program.path
            )
        try:
            self._needs(closure, start, session)
        except ScratchpackError as error:
            self.unchecked.append(f"what {program.path} opens later was not looked for: {error.message}")

    def _needs(self, closure: Closure, start: Launch, session: LoaderSession | None) -> None:
        """Which of the things that the program's code says it opens are not in the image. A miss is no fault: it may never ask."""
        options = NeedOptions(env=dict(start.env), user=f"{start.user.uid}:{start.user.gid}")
        needs = examine(closure.roots[0], closure, self._root, _view, options, strict=False)
        missed = {line for need in needs for line in self._missing(need, session)}
        self.notes += sorted(missed)
        self.checked.append(
            f"{len(needs)} needs of {closure.roots[0].path} were looked for in the image"
            if needs
            else f"nothing in {closure.roots[0].path} says that it needs more than that"
        )

    def _missing(self, need: NeedResult, session: LoaderSession | None) -> list[str]:
        if need.decision == "unavailable":
            return [f"may miss what {need.name} stands for: {need.suggestion.split('; ')[0]}"]
        if need.decision != "added":
            return []
        evidence = need.evidence[0] if need.evidence else None
        why = f" ({evidence.by} {evidence.because})" if evidence is not None else ""
        lines = [
            f"may miss {entry.path}, for {need.name}{why}"
            for entry in need.files
            if self._root.lookup(entry.path, follow=False) is None
        ]
        if session is not None:
            lines += [
                f"may miss {opened.name}, which {opened.requester} opens, for {need.name}"
                for opened in need.elf_roots
                if not opened.program
                and all(session.open(name, opened.requester) is None for name in (opened.name, *opened.alternatives))
            ]
        return lines


def _view(resolution: Resolution) -> Elf:
    return Views().of(resolution.root, resolution.node, resolution.facts)


def problems(closure: Closure) -> list[str]:
    """One line for each thing that would stop a program."""
    return [
        f"{p.name}: {'not found' if p.kind == 'missing' else p.kind}, asked for by {p.requester} {p.detail}".rstrip()
        for p in closure.errors
    ]


def _loader_env(env: Mapping[str, str], cwd: str, *, secure: bool) -> LoaderEnv:
    """What the image's own configuration tells the loader (R29), and a program that keeps privileges ignores (R6)."""
    return LoaderEnv(
        library_path=env.get("LD_LIBRARY_PATH"),
        preload=env.get("LD_PRELOAD"),
        audit=env.get("LD_AUDIT"),
        tunables=env.get("GLIBC_TUNABLES"),
        working_dir=cwd,
        secure=secure,
    )
