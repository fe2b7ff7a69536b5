"""N21: SBCL's core and contributed modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import PROGRAM, Wants
from scratchpack.needs.companion.base import bring, holding, joined
from scratchpack.needs.companion.interpreter import Interpreter, named_beside
from scratchpack.needs.gather import reasons

if TYPE_CHECKING:
    from scratchpack.needs.base import Contribution, Evidence, NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot


class Sbcl(Interpreter):
    """The place is written relative to the program's directory."""

    name = "sbcl"
    summary = "SBCL does not start without sbcl.core"
    wants = Wants(fragments=("SBCL_HOME",), inside=holding("lib/sbcl", PROGRAM))

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Each relative place that the root has."""
        because = reasons(self.name, evidence)
        program = subject.program.resolution.node.canonical
        homes = named_beside(program, subject.strings("lib/sbcl"), "lib/sbcl")
        return joined(bring(root, home, because, subject.program.path) for home in homes)


NEED = Sbcl()
