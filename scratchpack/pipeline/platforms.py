"""Which platform a program is for: programs and ``--platform`` go in, platforms in the order of the images come out, or what does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.elf.machines import oci_platform
from scratchpack.errors import UsageError

if TYPE_CHECKING:
    from scratchpack.elf.machines import Platform
    from scratchpack.pipeline.model import Program


def platform_of(program: Program) -> Platform:
    """The OCI platform that the ELF file itself names (I6, R28)."""
    return oci_platform(program.facts.machine)


def refuse_other_levels(cpu: str, program: Program) -> None:
    """Hold that ``--cpu`` names a level of this program's machine."""
    from scratchpack.loader.hwcaps import levels

    known = levels(program.facts.machine)
    if cpu not in known:
        raise UsageError(
            f"cannot use --cpu {cpu} with {program.given}, which is {program.facts.machine}",
            hint=f"its levels are all, {', '.join(known)}",
        )


def in_order(wanted: tuple[Platform, ...], found: tuple[Platform, ...]) -> tuple[Platform, ...]:
    """The platforms of the binaries, in the order of ``--platform`` where it is given."""
    if not wanted:
        return found
    order = [p for name in wanted for p in found if name == (p if name.variant else p._replace(variant=""))]
    if len(order) != len(wanted) or len(set(order)) != len(found):
        raise UsageError(
            f"cannot make an image for --platform {','.join(str(one) for one in wanted)}: the binaries are for "
            + ", ".join(sorted(str(platform) for platform in found)),
            hint="give one binary for each platform",
        )
    return tuple(dict.fromkeys(order))
