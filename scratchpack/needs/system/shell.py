"""N28: programs that the program starts, through /bin/sh above all. A shell is a second program with a closure of its own, so it is only reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import A, Contribution, ElfRoot, Evidence, Unavailable, Wants
from scratchpack.needs.gather import copied, reasons

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

PATH = "/bin/sh"
_THROUGH_SHELL = ("system", "popen", "wordexp")
_STARTS = (
    "execv*",
    "execl*",
    "fexecve",
    "posix_spawn",
    "posix_spawnp",
)  # only the program's own: which, its strings say


class Shell:
    """Never added by itself: many programs link system() for a feature that an image does not use."""

    name = "shell"
    summary = "other programs are not there: --need shell=always adds /bin/sh, --include any other"
    wants: Wants = Wants(symbols=(*_THROUGH_SHELL, *_STARTS), fragments=(PATH,))
    adds = ""

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Imports, own calls that start a program of any name, and the shell's name in own strings."""
        found = subject.evidence(self.name, *_THROUGH_SHELL)
        found += tuple(item for item in subject.evidence(self.name, *_STARTS) if item.tier == A)
        if PATH in subject.strings(PATH):
            found += (Evidence(self.name, A, f"string {PATH}", subject.program.path),)
        return found

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The root's shell, a program with libraries of its own."""
        if root.lookup(PATH) is None:
            raise Unavailable(f"there is no {PATH}", "install a shell")
        files = copied(root, PATH, reasons(self.name, evidence))
        return Contribution(files, (ElfRoot(PATH, subject.program.path, program=True),))


NEED = Shell()
