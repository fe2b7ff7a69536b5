"""N14: libmagic knows no file type without its compiled database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import Contribution, Unavailable, Wants
from scratchpack.needs.companion.base import Companion, holding
from scratchpack.needs.gather import copied, reasons

if TYPE_CHECKING:
    from scratchpack.needs.base import Evidence, NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot


class Magic(Companion):
    """Of each place in the library's list, the compiled file is read where there is one, else the text."""

    name = "magic"
    summary = "libmagic fails without its database"
    wants = Wants(symbols=("magic_load*", "magic_file"), inside=holding("/magic", "libmagic.so*"))
    library = ("libmagic.",)

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The database of each place in the list."""
        because = reasons(self.name, evidence)
        files = tuple(
            entry
            for _, path in self.places(subject)
            for entry in copied(root, f"{path}.mgc", because) or copied(root, path, because)
        )
        if not any(entry.path.endswith(".mgc") for entry in files):
            raise Unavailable("no compiled magic database", "install it (Debian: libmagic-mgc, Alpine: libmagic)")
        return Contribution(files)


NEED = Magic()
