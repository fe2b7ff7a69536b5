"""N21: SBCL's core and contributed modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.companion import bring, joined
from scratchpack.needs.gather import reasons
from scratchpack.needs.interpreter import Interpreter, beside

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
        runs = (run for run in subject.strings("lib/sbcl") if run.startswith("../"))
        return joined(bring(root, beside(program, run), because, subject.program.path) for run in runs)


NEED = Sbcl()
