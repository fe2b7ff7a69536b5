"""N1: glibc loads libgcc_s.so.1 by itself to unwind a thread, and aborts the program when it is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import Contribution, ElfRoot, Wants

if TYPE_CHECKING:
    from scratchpack.needs.base import Evidence, NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

SONAME = "libgcc_s.so.1"


class LibGcc:
    """One small library, so every tier adds it: the miss is an abort with status 134 (N1)."""

    name = "libgcc"
    summary = "glibc aborts the program in pthread_exit and pthread_cancel without libgcc_s.so.1"
    wants: Wants = Wants(symbols=("pthread_cancel", "pthread_exit", "thrd_exit", "backtrace"))
    adds = "abc"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Imports of a glibc program; musl unwinds nothing."""
        if subject.libc != "glibc" or any(not seen.brought for seen in subject.named(SONAME)):
            return ()
        return subject.evidence(self.name, *self.wants.symbols)

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The library, found as libc's own dlopen would find it."""
        libc = next(subject.named("libc.so.6"), subject.program)
        return Contribution(elf_roots=(ElfRoot(SONAME, libc.path),))


NEED = LibGcc()
