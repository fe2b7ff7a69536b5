"""N21: SBCL's core and contributed modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.companion import bring, joined
from scratchpack.needs.gather import reasons
from scratchpack.needs.interpreter import Interpreter, named_beside

if TYPE_CHECKING:
    from scratchpack.needs.base import Contribution, Evidence, NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot


class Sbcl(Interpreter):
    """The place is written relative to the program's directory."""

    name = "sbcl"
    summary = "SBCL does not start without sbcl.core"

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Each relative place that the root has."""
        because = reasons(self.name, evidence)
        program = subject.program.resolution.node.canonical
        homes = named_beside(program, subject.strings("lib/sbcl"), "lib/sbcl")
        return joined(bring(root, home, because, subject.program.path) for home in homes)


NEED = Sbcl()
