"""What glibc's name service switch wants beside the databases: our own configuration, and modules before 2.34 (N2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.needs.base import ElfRoot
from scratchpack.needs.gather import own_text, written

if TYPE_CHECKING:
    from scratchpack.needs.base import Subject
    from scratchpack.rootfs import Entry, Reason

PATH = "/etc/nsswitch.conf"
BUILT_IN = (2, 34)  # "files" and "dns" became parts of libc, static programs included (N2)


def configuration(because: tuple[Reason, ...]) -> Entry:
    """One text for every need of it: a root's own would name modules that nobody asked for (N2d)."""
    return written(PATH, own_text(PATH.lstrip("/")), because)


def modules(subject: Subject, *services: str) -> tuple[ElfRoot, ...]:
    """libnss_files and libnss_dns where libc does not hold them; a static program loads them too (N2d)."""
    if subject.libc != "glibc" or subject.glibc is None or subject.glibc >= BUILT_IN:
        return ()
    libc = next(subject.named("libc.so.6"), subject.program)
    return tuple(ElfRoot(f"libnss_{service}.so.2", libc.path, required=not subject.is_static) for service in services)
