"""N39: .NET composes the names of OpenSSL and ICU at run time and aborts without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import PROGRAM, A, Contribution, ElfRoot, Evidence, Wants

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

_SSL = ("3", "1.1", "1.0.2", "1.0.0", "10")
_ICU = range(110, 49, -1)  # the run time counts down to 50 from somewhat above the version it was built with
_INVARIANT = "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"


class DotNet:
    """Two marks together: the allocator's name or System.Native, and the library's stem."""

    name = "dotnet"
    summary = "a .NET program aborts without a usable libssl or ICU"
    wants: Wants = Wants(
        fragments=("libSystem.Native", "RhpNewFast"),
        inside=((PROGRAM, "libssl.so"), (PROGRAM, "libicuuc.so")),
    )
    adds = "a"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """The run time's mark, then which library it may want."""
        marks = [mark for mark in self.wants.fragments if subject.strings(mark)]
        stems = [stem for stem in ("libssl.so", "libicuuc.so") if subject.strings(stem)]
        if subject.env.get(_INVARIANT, "").lower() in {"1", "true"}:
            stems = [stem for stem in stems if stem != "libicuuc.so"]
        return tuple(
            Evidence(self.name, A, f"strings {marks[0]} and {stem}", subject.program.path, (stem,))
            for stem in (stems if marks else ())
        )

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The first version of each that is there."""
        roots = []
        for stem in dict.fromkeys(name for item in evidence for name in item.found):
            for each in ("libicuuc.so", "libicui18n.so") if stem == "libicuuc.so" else (stem,):
                first, *others = (f"{each}.{end}" for end in (_SSL if each == "libssl.so" else _ICU))
                roots.append(ElfRoot(first, subject.program.path, required=True, alternatives=tuple(others)))
        return Contribution(elf_roots=tuple(roots))


NEED = DotNet()
