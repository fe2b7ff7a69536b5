"""N9: Mozilla's NSS opens its own parts by name: softokn, freebl and the built-in trust."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.needs.base import Contribution, ElfRoot, Evidence, Wants
from scratchpack.needs.gather import copied, reasons

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Sysroot

PARTS = ("libsoftokn3.so", "libfreebl3.so", "libfreeblpriv3.so", "libnssckbi.so")


class MozillaNss:
    """The parts beside libnss3.so or in nss/ below it, each with its signature file."""

    name = "mozilla-nss"
    summary = "NSS_Init fails without libsoftokn3, libfreebl3 and libnssckbi"
    wants: Wants = Wants(
        symbols=("NSS_Init*", "NSS_NoDB_Init"), sonames=("libnss3.so",), inside=(("libnss3.so", ".so"),)
    )
    adds = "a"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Imports of NSS's initialisers; without them the library's presence alone, at its own tier."""
        calls = subject.evidence(self.name, *self.wants.symbols)
        there = tuple(
            Evidence(self.name, seen.tier, f"loads {seen.name}", seen.path)
            for seen in subject.named("libnss3.so")
            if not seen.brought
        )
        return calls + there if there else ()

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """What libnss3.so names in its strings; all known parts where it names none."""
        because = reasons(self.name, evidence)
        library = next(subject.named("libnss3.so"), subject.program)
        named = {name for run in library.strings.get(".so", ()) for name in re.findall(r"lib[a-z0-9]+\.so", run)}
        home = posixpath.dirname(library.resolution.node.canonical)
        roots: list[ElfRoot] = []
        files: list[Entry] = []
        for part in (*(name for name in PARTS if name in named or name.startswith("libfreebl")), "libnssckbi.so"):
            for directory in (home, posixpath.join(home, "nss")):
                path = posixpath.join(directory, part)
                if root.lookup(path) is not None:
                    roots.append(ElfRoot(path, library.path))
                    files += copied(root, f"{path.removesuffix('.so')}.chk", because)
                    break
        return Contribution(tuple(files), tuple(dict.fromkeys(roots)))


NEED = MozillaNss()
