"""N13: ICU's data, where it lies in a file and not in libicudata itself."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs.base import PROGRAM, A, Contribution, Evidence, Unavailable, Wants
from scratchpack.needs.companion.base import Companion, holding
from scratchpack.needs.gather import copied, reasons

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Sysroot

STUB = 1 << 20  # bytes: a libicudata below this holds no data (N13)


class Icu(Companion):
    """Debian builds the data into the library (31 MB); Alpine ships a stub and a file.

    A directory is compiled into libicuuc (Alpine), set by ICU_DATA, or by the program (u_setDataDirectory).
    """

    name = "icu"
    summary = "ICU answers every question with an error without its data file"
    wants = Wants(sonames=("libicudata.so*",), inside=holding("/icu", PROGRAM, "libicuuc.so*"))

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """A stub of libicudata in the closure: who asks for libicuuc itself, calls it itself."""
        return tuple(
            Evidence(
                self.name,
                A if seen.tier == "b" else seen.tier,
                f"loads {seen.name}, whose data lies elsewhere",
                seen.path,
            )
            for data in subject.named("libicudata.so*")
            if data.resolution.facts.size < STUB
            for seen in subject.named("libicuuc.so*")
        )

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The icudt file of each directory of ICU_DATA, or that the program or libicuuc names (in this order)."""
        because = reasons(self.name, evidence)
        found: list[Entry] = []
        planned = (path for path in subject.env.get("ICU_DATA", "").split(":") if path)
        for path in dict.fromkeys((*planned, *(path for _, path in self.places(subject)))):
            node = root.lookup(path)
            for name in root.list(node) if node is not None and node.kind == "directory" else ():
                if name.startswith("icudt") and name.endswith(".dat"):
                    found += copied(root, posixpath.join(path, name), because)
        if not found:
            raise Unavailable(
                "no ICU data file",
                "install it (Alpine: icu-data-en or icu-data-full), name its directory with -e ICU_DATA=DIR",
            )
        return Contribution(tuple(found))


NEED = Icu()
