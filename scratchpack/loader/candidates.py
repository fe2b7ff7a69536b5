"""What the loader does with a file it found in a search directory: take it, skip it, or stop (R11).

One table row is one arm below; both loaders' verdicts were measured, and the oracle tests measure them again.
"""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from scratchpack.elf.model import ElfFacts

HEADER_SIZE = {1: 52, 2: 64}  # bytes of the ELF header by EI_CLASS
ET_EXEC, ET_DYN = 2, 3
EM_ARM, EM_MIPS = 40, 8
OSABI_SYSV, OSABI_GNU, OSABI_ARM_AEABI = 0, 3, 64
GNU_ABI_MAX = 4  # LIBC_ABI_MAX: EI_ABIVERSION values below it are accepted with ELFOSABI_GNU
DF_1_PIE = 0x08000000
_ARM_EABI_MASK, _ARM_EABI_5, _ARM_SOFT, _ARM_HARD = 0xFF000000, 0x05000000, 0x200, 0x400
_MIPS_ABI2, _MIPS_NAN2008 = 0x20, 0x400


class Outcome(StrEnum):
    """``SKIP`` goes on to the next directory, ``FATAL`` ends the program's start."""

    TAKE = "taken"
    SKIP = "skipped"
    FATAL = "fatal"


class Judged(NamedTuple):
    """A verdict and its reason, in the words of a report."""

    verdict: Outcome
    why: str


class Wanted(NamedTuple):
    """What the loader itself is: the identity a library must share (S7)."""

    elf_class: int  # EI_CLASS
    elf_data: int  # EI_DATA
    machine: int
    flags: int

    @classmethod
    def of(cls, facts: ElfFacts) -> Wanted:
        """The identity of an interpreter or a program."""
        return cls(facts.bits // 32, 1 if facts.byte_order == "little" else 2, facts.e_machine, facts.e_flags)


TAKEN = Judged(Outcome.TAKE, "found")


def _fatal(why: str) -> Judged:
    return Judged(Outcome.FATAL, why)


def judge_glibc(header: bytes, wanted: Wanted) -> Judged:
    """Glibc's ``open_verify`` over the first 64 bytes of a regular file."""
    size = HEADER_SIZE[wanted.elf_class]
    if len(header) < size:
        return _fatal("file too short")
    if header[:4] != b"\x7fELF":
        return _fatal("invalid ELF header: not an ELF file")
    if header[4] != wanted.elf_class:
        return Judged(Outcome.SKIP, "wrong ELF class")
    if header[5] != wanted.elf_data:
        return _fatal("other byte order")
    if header[6] != 1:
        return _fatal("ELF file version ident is not 1")
    osabi, abi_version = header[7], header[8]
    if osabi not in (OSABI_SYSV, OSABI_GNU) and not (wanted.machine == EM_ARM and osabi == OSABI_ARM_AEABI):
        return _fatal(f"ELF file OS ABI invalid ({osabi})")
    if abi_version and not (osabi == OSABI_GNU and abi_version < GNU_ABI_MAX):
        return _fatal(f"ELF file ABI version invalid ({abi_version})")
    if any(header[9:16]):
        return _fatal("nonzero padding in e_ident")
    order = "<" if wanted.elf_data == 1 else ">"
    kind, machine, version = struct.unpack_from(order + "HHI", header, 16)
    flags_at, phentsize = (36, 32) if size == 52 else (48, 56)
    (flags,) = struct.unpack_from(order + "I", header, flags_at)
    if wanted.machine == EM_ARM and not _same_arm_float(flags, wanted.flags):
        return _fatal("soft and hard float ARM code do not mix")
    if version != 1:
        return _fatal("ELF file version is not 1")
    if machine != wanted.machine or (machine == EM_MIPS and not _same_mips_abi(flags, wanted.flags)):
        return Judged(Outcome.SKIP, f"wrong machine ({machine})")
    if kind not in (ET_DYN, ET_EXEC):
        return _fatal("only shared objects can be loaded")
    if struct.unpack_from(order + "H", header, flags_at + 6)[0] != phentsize:
        return _fatal("program headers of an unexpected size")
    return TAKEN


def judge_musl(header: bytes, wanted: Wanted) -> Judged:
    """Musl's ``map_library``, which looks at the type alone.

    It would map a file of another machine and crash on it, so that is an error here and never a skip (R11).
    """
    if len(header) < HEADER_SIZE[wanted.elf_class]:
        return _fatal("file too short")
    if header[:4] != b"\x7fELF":
        return _fatal("not an ELF file")
    if header[4] != wanted.elf_class:
        return _fatal("wrong ELF class, which musl maps without a look")
    if header[5] != wanted.elf_data:
        return _fatal("other byte order, which musl maps without a look")
    kind, machine = struct.unpack_from("<HH" if wanted.elf_data == 1 else ">HH", header, 16)
    if kind not in (ET_DYN, ET_EXEC):
        return _fatal("neither a shared object nor a program")
    if machine != wanted.machine:
        return _fatal(f"wrong machine ({machine}), which musl maps without a look")
    return TAKEN


def judge_facts(facts: ElfFacts, *, musl: bool) -> Judged:
    """What is refused after the header, when the file is mapped."""
    if not facts.has_dynamic:
        return _fatal("object file has no dynamic section")
    if not musl and facts.e_type == ET_EXEC:
        return _fatal("cannot dynamically load an executable")
    if not musl and facts.flags_1 & DF_1_PIE:
        return _fatal("cannot dynamically load a position-independent executable")
    return TAKEN


def _same_arm_float(flags: int, wanted: int) -> bool:
    if flags & _ARM_EABI_MASK != _ARM_EABI_5:
        return True
    return not flags & (_ARM_SOFT if wanted & _ARM_HARD else _ARM_HARD)


def _same_mips_abi(flags: int, wanted: int) -> bool:
    """n32 beside o32, and NaN2008 beside legacy NaN, are skipped (sysdeps/mips/dl-machine.h)."""
    mask = _MIPS_ABI2 | _MIPS_NAN2008
    return flags & mask == wanted & mask
