"""Machines: how ``e_machine``, class, byte order and flags name one, and what OCI calls it (R28)."""

from __future__ import annotations

from scratchpack.record import NamedTuple

EM_386, EM_MIPS, EM_PPC64, EM_S390, EM_ARM, EM_X86_64 = 3, 8, 21, 22, 40, 62
EM_AARCH64, EM_RISCV, EM_LOONGARCH = 183, 243, 258
EF_ARM_ABI_FLOAT_HARD = 0x400
EF_MIPS_ABI2 = 0x20  # n32


class Platform(NamedTuple):
    """An OCI platform; ``variant`` is empty where the specification names none."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in self if part)


_OCI = {
    "x86_64": Platform("linux", "amd64"),
    "i386": Platform("linux", "386"),
    "x32": Platform("linux", "amd64"),
    "aarch64": Platform("linux", "arm64", "v8"),
    "armhf": Platform("linux", "arm", "v7"),
    "armel": Platform("linux", "arm", "v5"),
    "riscv64": Platform("linux", "riscv64"),
    "ppc64le": Platform("linux", "ppc64le"),
    "ppc64": Platform("linux", "ppc64"),
    "s390x": Platform("linux", "s390x"),
    "mips": Platform("linux", "mips"),
    "mipsel": Platform("linux", "mipsle"),
    "mipsn32": Platform("linux", "mips64"),
    "mipsn32el": Platform("linux", "mips64le"),
    "mips64": Platform("linux", "mips64"),
    "mips64el": Platform("linux", "mips64le"),
    "loongarch64": Platform("linux", "loong64"),
}


def machine_name(e_machine: int, bits: int, byte_order: str, e_flags: int) -> str | None:
    """Name the machine, or ``None`` for one that scratchpack does not know how to pack."""
    little = byte_order == "little"
    match e_machine:
        case 62:
            return "x86_64" if bits == 64 else "x32"
        case 3:
            return "i386"
        case 183 if bits == 64 and little:
            return "aarch64"
        case 40:
            return "armhf" if e_flags & EF_ARM_ABI_FLOAT_HARD else "armel"
        case 243 if bits == 64:
            return "riscv64"
        case 21:
            return "ppc64le" if little else "ppc64"
        case 22 if bits == 64:
            return "s390x"
        case 258 if bits == 64:
            return "loongarch64"
        case 8:
            name = "mips64" if bits == 64 else "mipsn32" if e_flags & EF_MIPS_ABI2 else "mips"
            return name + ("el" if little else "")
    return None


def oci_platform(machine: str) -> Platform:
    """The OCI platform of a machine name.

    Raises:
        KeyError: the machine is not one of :func:`machine_name`.
    """
    return _OCI[machine]


def platforms_known() -> tuple[Platform, ...]:
    """Every OCI platform that a program can be for, each once, without variants that the specification implies."""
    return tuple(dict.fromkeys(_OCI.values()))
