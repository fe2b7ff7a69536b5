"""The authority on ELF facts: bounded, driven by program headers alone, exactly what the kernel and the loader read (S2 to S4)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.elf import machines
from scratchpack.elf.image import PT_INTERP, PT_LOAD, PT_NOTE, ElfImage
from scratchpack.elf.model import ElfFacts, Linkage, LoadRequest
from scratchpack.elf.notes import build_id, notes_of
from scratchpack.elf.system import system_of
from scratchpack.elf.versions import version_defs, version_needs
from scratchpack.errors import InputError

if TYPE_CHECKING:
    from scratchpack.elf.budget import Budget
    from scratchpack.elf.image import Header

ET_REL, ET_EXEC, ET_DYN, ET_CORE = 1, 2, 3, 4
DT_NEEDED, DT_STRTAB, DT_SONAME, DT_RPATH, DT_RUNPATH, DT_FLAGS, DT_RELR = 1, 5, 14, 15, 29, 30, 36
DT_DEPAUDIT, DT_AUDIT, DT_FLAGS_1 = 0x6FFFFEFB, 0x6FFFFEFC, 0x6FFFFFFB
DT_VERDEF, DT_VERNEED = 0x6FFFFFFC, 0x6FFFFFFE
DT_AUXILIARY, DT_FILTER = 0x7FFFFFFD, 0x7FFFFFFF
DF_1_PIE = 0x08000000

MAX_REQUESTS = 8192
_REQUESTS = {DT_NEEDED: "needed", DT_AUXILIARY: "auxiliary", DT_FILTER: "filter"}
_UPX_MAGIC = b"UPX!"


def read_header(stream: BinaryIO, *, origin: str) -> Header:
    """The ELF header alone, of any machine and type: what a loader's candidate filter looks at first (R11).

    Raises:
        ElfError: not ELF, cut short, or its program headers contradict the file.
    """
    return ElfImage(stream, origin).header


def read_elf(stream: BinaryIO, *, origin: str, budget: Budget | None = None) -> ElfFacts:
    """The facts of one program or shared object.

    Args:
        stream: seekable; read in small pieces, never whole.
        origin: what messages call the file.
        budget: what reading it may cost; a fresh one for this file if there is none.

    Raises:
        ElfError: it ends too early, contradicts itself or passes a limit (S3, S4).
        LimitError: it passes one in all, though each item is within its own.
        InputError: an object file, a core file, or a machine that no image can name.
    """
    return facts_of(ElfImage(stream, origin, budget))


def facts_of(image: ElfImage) -> ElfFacts:
    """The facts of an image that is open already; see :func:`read_elf`."""
    header = image.header
    _refuse_other_kinds(image)
    machine = machines.machine_name(header.machine, header.bits, header.byte_order, header.flags)
    if machine is None:
        raise InputError(
            f"cannot pack {image.origin}: its machine (e_machine {header.machine}, {header.bits} bit, "
            f"{header.byte_order} endian) is not one that scratchpack knows",
            hint="build it for a Linux platform that container engines run, for example linux/amd64 or linux/arm64",
        )
    dynamic = image.dynamic()
    tags = dict(dynamic or ())  # of a tag that stands twice the last counts, as in the loader
    strings = _Strings(image, tags.get(DT_STRTAB))
    notes = tuple(notes_of(image, (segment for segment in image.segments if segment.type == PT_NOTE)))
    requests = tuple(LoadRequest(_REQUESTS[tag], strings.at(at)) for tag, at in dynamic or () if tag in _REQUESTS)
    interpreter = _interpreter(image)
    soname = strings.maybe(tags.get(DT_SONAME))
    flags_1 = tags.get(DT_FLAGS_1, 0)
    linkage = _linkage(image, interpreter, flags_1, has_requests=bool(requests), has_soname=soname is not None)
    return ElfFacts(
        origin=image.origin,
        machine=machine,
        e_machine=header.machine,
        e_type=header.type,
        e_flags=header.flags,
        bits=header.bits,
        byte_order=header.byte_order,
        osabi=header.osabi,
        abi_version=header.abi_version,
        ident_pad=header.pad,
        entry=header.entry,
        linkage=linkage,
        interpreter=interpreter,
        has_dynamic=dynamic is not None,
        soname=soname,
        requests=requests,
        rpath=strings.maybe(tags.get(DT_RPATH)),
        runpath=strings.maybe(tags.get(DT_RUNPATH)),
        flags=tags.get(DT_FLAGS, 0),
        flags_1=flags_1,
        audit=strings.maybe(tags.get(DT_AUDIT)),
        depaudit=strings.maybe(tags.get(DT_DEPAUDIT)),
        version_needs=version_needs(image, tags.get(DT_VERNEED), strings.at),
        version_defs=version_defs(image, tags.get(DT_VERDEF), strings.at),
        has_verdef=DT_VERDEF in tags,
        has_relr=DT_RELR in tags,
        build_id=build_id(notes),
        size=image.size,
        system=system_of(header.osabi, machine, interpreter, notes, header.prefix),
    )


class _Strings:
    """Names out of the dynamic string table, by address as the loader reads them; each offset is read once."""

    def __init__(self, image: ElfImage, table: int | None) -> None:
        self._image = image
        self._table = table
        self._known: dict[int, str] = {}

    def at(self, offset: int) -> str:
        if offset not in self._known:
            if self._table is None:
                raise self._image.fail("the dynamic section names strings and has no string table")
            if len(self._known) >= MAX_REQUESTS:
                raise self._image.fail(f"more than {MAX_REQUESTS} different names in the dynamic section")
            name = self._image.string(self._table + offset, "a name of the dynamic section")
            self._image.budget.keep(len(name))
            self._known[offset] = os.fsdecode(name)
        return self._known[offset]

    def maybe(self, offset: int | None) -> str | None:
        return None if offset is None else self.at(offset)


def _refuse_other_kinds(image: ElfImage) -> None:
    kind = image.header.type
    if kind == ET_REL:
        raise InputError(
            f"cannot pack {image.origin}: it is an object file (ET_REL), not yet a program",
            hint="link it first, for example with `cc -o program file.o`, and pack the program",
        )
    if kind == ET_CORE:
        raise InputError(
            f"cannot pack {image.origin}: it is a core file, the memory of a program that crashed",
            hint="pack the program itself; `file` shows which one wrote the core",
        )
    if kind not in (ET_EXEC, ET_DYN):
        raise image.fail(f"its ELF type ({kind}) is neither a program nor a shared object")
    if image.header.version != 1 or image.header.e_version != 1:
        raise image.fail("its ELF version is not 1, the only one there is")
    if not any(segment.type == PT_LOAD for segment in image.segments):
        raise image.fail("it has no segment to load")


def _interpreter(image: ElfImage) -> str | None:
    """PT_INTERP by file offset; the first counts; the kernel wants 2 to 4096 bytes that end in NUL (R16)."""
    segment = next((segment for segment in image.segments if segment.type == PT_INTERP), None)
    if segment is None:
        return None
    if not 2 <= segment.filesz <= 4096:
        raise image.fail(f"its interpreter's name takes {segment.filesz} bytes, 2 to 4096 are allowed")
    text = image.read(segment.offset, segment.filesz, "the interpreter's name")
    if not text.endswith(b"\0"):
        raise image.fail("its interpreter's name has no end")
    return os.fsdecode(text.partition(b"\0")[0])


def _linkage(
    image: ElfImage, interpreter: str | None, flags_1: int, *, has_requests: bool, has_soname: bool
) -> Linkage:
    """R17: PT_INTERP decides, then what is asked for, then what tells a static PIE from a library."""
    if _is_compressed(image):
        return Linkage.COMPRESSED
    if interpreter is not None:
        return Linkage.DYNAMIC
    if has_requests:
        return Linkage.SHARED_OBJECT
    if image.header.type == ET_EXEC:
        return Linkage.STATIC
    if flags_1 & DF_1_PIE or (not has_soname and image.header.entry != 0):
        return Linkage.STATIC_PIE
    return Linkage.SHARED_OBJECT


def _is_compressed(image: ElfImage) -> bool:
    """Is it packed by UPX, whose mark stands just after the program headers (S24)?"""
    end = image.header.phoff + image.header.phnum * image.header.phentsize
    return _UPX_MAGIC in image.read(end, min(64, image.size - end), "the file's head")
