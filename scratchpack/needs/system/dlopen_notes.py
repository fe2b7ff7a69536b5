"""N29: what an object says itself that it will dlopen, in its .note.dlopen records (UAPI.12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.elf.dlopen import dlopens
from scratchpack.needs.base import A, B, Contribution, ElfRoot, Evidence, Wants

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot


class DlopenNotes:
    """Required and recommended ones go in, whoever says so; suggested ones are listed."""

    name = "dlopen-notes"
    summary = "the object's own notes name libraries that it opens later"
    wants: Wants = Wants(notes=((b"FDO", 0x407C0C0A),))
    adds = "a"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """One piece of evidence for each record, its alternatives in ``found``."""
        found = []
        for seen in subject.objects:
            for record in dlopens(seen.notes):
                feature = f" for {record.feature}" if record.feature else ""
                because = f"note: {record.priority} {' or '.join(record.sonames)}{feature}"
                tier = B if record.priority == "suggested" else A
                found.append(Evidence(self.name, tier, because, seen.path, record.sonames))
        return tuple(found)

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Each record's first alternative that resolves for the object that carries the note."""
        always = options.modes.get(self.name) == "always"
        chosen = [item for item in evidence if always or item.tier in self.adds]
        roots = tuple(ElfRoot(item.found[0], item.by, " required " in item.because, item.found[1:]) for item in chosen)
        listed = tuple(f"{item.by}: {item.because}" for item in evidence if item not in chosen)
        return Contribution(elf_roots=roots, notes=listed)


NEED = DlopenNotes()
