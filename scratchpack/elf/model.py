"""The facts of one ELF file that the kernel and the loader act on. Plain values, nothing read here."""

from __future__ import annotations

from enum import StrEnum

from scratchpack.record import NamedTuple


class Linkage(StrEnum):
    """How a file starts (R17): decided by PT_INTERP and DT_NEEDED, never by e_type or section headers."""

    STATIC = "static"
    STATIC_PIE = "static-pie"
    DYNAMIC = "dynamic"
    SHARED_OBJECT = "shared-object"
    SCRIPT = "script"
    COMPRESSED = "compressed"


class LoadRequest(NamedTuple):
    """One entry of the dynamic section that asks for another object, in file order (R1, R13)."""

    kind: str  # "needed" | "filter" | "auxiliary"
    name: str


class VersionRequest(NamedTuple):
    """A version that is asked for of a provider; ``weak`` is VER_FLG_WEAK (R15)."""

    name: str
    weak: bool


class VersionNeed(NamedTuple):
    """One verneed record: the provider's soname as written (vn_file) and the versions asked of it."""

    file: str
    versions: tuple[VersionRequest, ...]


class Note(NamedTuple):
    """One record of a PT_NOTE segment."""

    owner: bytes
    type: int
    desc: bytes


class ElfFacts(NamedTuple):
    """Everything the loader reads of one file before it maps it.

    Names are ``str`` through ``os.fsdecode`` (surrogateescape). ``rpath`` and ``runpath`` are unexpanded, ``None``
    where the tag is absent. Sizes are bytes.
    """

    origin: str  # for messages: where these bytes came from
    machine: str  # "x86_64", "aarch64" … (scratchpack.elf.machines)
    e_machine: int
    e_type: int
    e_flags: int
    bits: int  # 32 | 64
    byte_order: str  # "little" | "big"
    osabi: int
    abi_version: int
    ident_pad: bytes  # e_ident[9:16], R11: glibc refuses anything but zeroes
    entry: int
    linkage: Linkage
    interpreter: str | None
    has_dynamic: bool
    soname: str | None
    requests: tuple[LoadRequest, ...]
    rpath: str | None
    runpath: str | None
    flags: int  # DT_FLAGS
    flags_1: int  # DT_FLAGS_1
    audit: str | None  # DT_AUDIT, colon-separated as written
    depaudit: str | None
    version_needs: tuple[VersionNeed, ...]
    version_defs: tuple[str, ...]
    has_verdef: bool
    has_relr: bool
    build_id: str | None
    size: int
    system: str = "Linux"  # the operating system that it was linked for, by its name

    @property
    def needed(self) -> tuple[str, ...]:
        """DT_NEEDED in file order."""
        return tuple(request.name for request in self.requests if request.kind == "needed")
