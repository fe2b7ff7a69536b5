"""N38: a native image carries its trust store; libraries of the JDK lie beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import A, Contribution, Evidence, Wants

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot


class GraalVm:
    """Nothing is added; the report says what may lie beside the program."""

    name = "graalvm"
    summary = (
        "a GraalVM native image may open libraries of the JDK beside itself (libawt.so …): --include those it uses"
    )
    wants: Wants = Wants(sections=(".svm_heap",))
    adds = ""

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """The section of the image heap."""
        return tuple(
            Evidence(self.name, A, f"section {name}", subject.program.path)
            for name in sorted(subject.sections & {*self.wants.sections})
        )

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Adds nothing: the trust store and the class library are inside the program."""
        return Contribution()


NEED = GraalVm()
