"""N22: a Java launcher finds its virtual machine and its modules by path."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.needs.base import PROGRAM, A, Evidence, Unavailable, Wants
from scratchpack.needs.companion.base import Companion, bring
from scratchpack.needs.companion.kinds import unopened
from scratchpack.needs.gather import reasons

if TYPE_CHECKING:
    from scratchpack.needs.base import Contribution, NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

_LEFT = re.compile(r"/(?:man|legal|docs|include|jmods|demo|sample|src\.zip|classes[^/]*\.jsa)(?:/|$)")
_COMPILER = "jdk.compiler"  # the module that javac's launcher names


class Jvm(Companion):
    """JAVA_HOME is what lies above the launcher's bin directory, as libjli computes it (it needs /proc for that)."""

    name = "jvm"
    summary = "java does not start without its runtime beside it"
    wants = Wants(sonames=("libjli.so",), inside=((PROGRAM, _COMPILER),))

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """A libjli in the closure: only launchers load it."""
        return tuple(
            Evidence(self.name, A, f"loads {seen.name}", seen.path)
            for seen in subject.named("libjli.so")
            if not seen.brought
        )

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The whole runtime, without its manuals and development parts."""
        because = reasons(self.name, evidence)
        home = posixpath.dirname(posixpath.dirname(subject.program.resolution.node.canonical))
        if root.lookup(f"{home}/lib/modules") is None and root.lookup(f"{home}/lib/rt.jar") is None:
            raise Unavailable(f"no Java runtime at {home}", "pack the launcher of a whole JDK or JRE")
        compiles = bool(subject.strings(_COMPILER))

        def leave(path: str, named: tuple[str, ...]) -> str:
            older = "signatures of older releases, for javac --release," if path.endswith("/lib/ct.sym") else ""
            return unopened(path, named) or ("" if compiles else older)

        found = bring(
            root,
            home,
            because,
            subject.program.path,
            lambda path: not _LEFT.search(path + "/"),
            programs=True,
            leave=leave,
        )
        # libjli opens libjvm.so before all others, which are then given it by its name.
        return found._replace(
            elf_roots=tuple(sorted(found.elf_roots, key=lambda item: not item.name.endswith("/libjvm.so")))
        )


NEED = Jvm()
