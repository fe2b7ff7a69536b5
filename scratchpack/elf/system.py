"""Which operating system a program was linked for: by its header's OSABI, its interpreter and its notes.

Linux starts any of them that it can map, whatever these say, and the program then dies at its first system call.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scratchpack.elf.model import Note

LINUX = "Linux"
NT_ABI_TAG = 1
# EI_OSABI of the gABI's registry. 0 is anybody's, 3 is GNU's (of Linux and of the Hurd), 64 and 97 are ARM's.
_OSABI = {
    1: "HP-UX", 2: "NetBSD", 4: "GNU/Hurd", 6: "Solaris", 7: "AIX", 8: "IRIX", 9: "FreeBSD", 10: "Tru64", 11: "Modesto",
    12: "OpenBSD", 13: "OpenVMS", 14: "NonStop", 15: "AROS", 16: "FenixOS", 17: "CloudABI", 18: "OpenVOS",
}  # fmt: skip
_INTERPRETERS = {
    "/libexec/ld-elf.so.1": "FreeBSD",
    "/libexec/ld-elf32.so.1": "FreeBSD",
    "/usr/libexec/ld-elf.so.1": "FreeBSD",
    "/libexec/ld-elf.so.2": "DragonFly BSD",
    "/usr/libexec/ld-elf.so.2": "DragonFly BSD",
    "/libexec/ld.elf_so": "NetBSD",
    "/usr/libexec/ld.elf_so": "NetBSD",
    "/usr/libexec/ld.so": "OpenBSD",
    "/usr/lib/ld.so.1": "Solaris",
    "/lib/ld-x86-64.so.1": "GNU/Hurd",
    "/system/runtime_loader": "Haiku",
    "/system/bin/linker": "Android",
    "/system/bin/linker64": "Android",
    "ld.so.1": "Fuchsia",
}
# Linux on MIPS and PowerPC has a loader of this name too.
_INTERPRETERS_OF_X86 = {
    "/lib/ld.so.1": "GNU/Hurd or Solaris",
    "/lib/amd64/ld.so.1": "Solaris",
    "/lib/64/ld.so.1": "Solaris",
    "/usr/lib/amd64/ld.so.1": "Solaris",
    "/usr/lib/64/ld.so.1": "Solaris",
}
_OWNERS = {
    b"FreeBSD": "FreeBSD",
    b"NetBSD": "NetBSD",
    b"OpenBSD": "OpenBSD",
    b"DragonFly": "DragonFly BSD",
    b"Android": "Android",
}
_GNU_TAGS = {1: "GNU/Hurd", 2: "Solaris", 3: "GNU/kFreeBSD", 4: "NetBSD", 5: "Syllable", 6: "Native Client"}


def system_of(osabi: int, machine: str, interpreter: str | None, notes: Iterable[Note], prefix: str) -> str:
    """The name of the system; "Linux" where nothing says another.

    Args:
        osabi: EI_OSABI.
        machine: as :mod:`scratchpack.elf.machines` names it.
        interpreter: PT_INTERP.
        notes: the records of every PT_NOTE.
        prefix: the byte order of their words, as :mod:`struct` writes it.
    """
    for note in notes:
        if note.type != NT_ABI_TAG:
            continue
        if note.owner in _OWNERS:
            return _OWNERS[note.owner]
        if note.owner == b"GNU" and len(note.desc) >= 4:
            (tag,) = struct.unpack_from(prefix + "I", note.desc)
            if tag in _GNU_TAGS:
                return _GNU_TAGS[tag]
    if osabi in _OSABI:
        return _OSABI[osabi]
    named = _INTERPRETERS.get(interpreter or "")
    if named is None and machine in ("x86_64", "i386"):
        named = _INTERPRETERS_OF_X86.get(interpreter or "")
    return named or LINUX
