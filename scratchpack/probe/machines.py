"""The machines there is a probe for: names as in :mod:`scratchpack.elf.machines`, with what the compiler calls them."""

from __future__ import annotations

# machine -> zig's name of the target; also the machines there is a probe for
TARGETS = {
    "x86_64": "x86_64-freestanding",
    "i386": "x86-freestanding",
    "aarch64": "aarch64-freestanding",
    "armhf": "arm-freestanding-eabi",
    "armel": "arm-freestanding-eabi",
    "riscv64": "riscv64-freestanding",
    "ppc64le": "powerpc64le-freestanding",
    "s390x": "s390x-freestanding",
}
