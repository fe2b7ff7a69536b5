"""Processors as the loader sees them: which subdirectories of a search directory come first (R9)."""

from __future__ import annotations

from typing import NamedTuple

# glibc-hwcaps names, best first (sysdeps/*/dl-hwcaps_subdirs.c). Machines that are not here have none.
NAMES = {
    "x86_64": ("x86-64-v4", "x86-64-v3", "x86-64-v2"),
    "ppc64le": ("power10", "power9"),
    "s390x": ("z17", "z16", "z15", "z14", "z13"),
}
HWCAPS_DIR = "glibc-hwcaps"
BASELINE = "baseline"
FIRST_HWCAPS, LAST_LEGACY = (2, 33), (2, 36)
_TLS_BIT, _PLATFORM_MASK = 1 << 63, 0xF << 48


class Legacy(NamedTuple):
    """The subdirectory names of glibc up to 2.36: capabilities in bit order, and the platform."""

    hwcaps: tuple[tuple[str, int], ...]  # name, bit in a cache entry
    platform: str
    platform_bit: int = -1


_X86_64 = ("x86_64", 1)
LEGACY = {
    "x86_64": Legacy((_X86_64,), "x86_64"),
    "i386": Legacy((("sse2", 0), _X86_64), "i686", 49),
    "aarch64": Legacy((), "aarch64"),
    "armhf": Legacy((), "v7l"),
    "armel": Legacy((), "v5l"),
}
# What some processors have besides: only then do these names exist at all (Intel's, up to 2.36).
_LEGACY_OPTIONS = {
    "x86_64": {
        "haswell": ("x86-64-v3", Legacy((_X86_64,), "haswell", 50)),
        "xeon_phi": ("x86-64-v3", Legacy((_X86_64,), "xeon_phi", 51)),
        "avx512_1": ("x86-64-v4", Legacy((_X86_64, ("avx512_1", 2)), "haswell", 50)),
    }
}


class Processor(NamedTuple):
    """One kind of processor that the image may run on."""

    level: str  # "baseline", "x86-64-v3", "haswell" …
    hwcaps: tuple[str, ...]  # active glibc-hwcaps names, best first
    isa_bit: int  # the highest ISA level bit that it supports (cache entries ask for one)
    platform: str | None  # what $PLATFORM and the legacy subdirectories say
    subdirectories: tuple[str, ...]  # searched in each directory before the directory itself, each with its slash
    legacy_mask: int | None  # cache entries with legacy bits outside are skipped; None: all of them are
    platform_bits: int = 0  # of a legacy cache entry, the only ones accepted

    def takes(self, hwcap: int) -> bool:
        """Whether a cache entry with a legacy hwcap field may be used (R8)."""
        if hwcap == 0:
            return True
        if self.legacy_mask is None or hwcap & ~(self.legacy_mask | _PLATFORM_MASK | _TLS_BIT):
            return False
        return hwcap & _PLATFORM_MASK in (0, self.platform_bits)


def processors(machine: str, release: tuple[int, int] | None, known: frozenset[str], cpu: str) -> tuple[Processor, ...]:
    """The baseline, then the others that ``cpu`` ("all", "baseline" or a level) asks for.

    ``known`` are the glibc-hwcaps names that this loader has in its own bytes; ``release`` is its version.
    """
    names = tuple(name for name in NAMES.get(machine, ()) if name in known)
    if release is not None and release < FIRST_HWCAPS:
        names = ()
    old = release is not None and release <= LAST_LEGACY
    legacy = LEGACY.get(machine, Legacy((), machine)) if old else None
    found = [_processor(BASELINE, (), 0, legacy, machine)]
    found += [
        _processor(names[at], names[at:], len(names) - at, legacy, machine) for at in range(len(names) - 1, -1, -1)
    ]
    if old:
        for name, (needs, option) in _LEGACY_OPTIONS.get(machine, {}).items():
            base = next((p for p in found if p.level == needs), found[0])
            found.append(_processor(name, base.hwcaps, base.isa_bit, option, machine))
    return tuple(p for p in found if cpu == "all" or p.level in (BASELINE, cpu))


def levels(machine: str) -> tuple[str, ...]:
    """The values of ``--cpu`` for a machine, without "all": the baseline first, then rising."""
    return (BASELINE, *reversed(NAMES.get(machine, ())))


def _processor(level: str, names: tuple[str, ...], isa_bit: int, legacy: Legacy | None, machine: str) -> Processor:
    subdirectories = [f"{HWCAPS_DIR}/{name}/" for name in names]
    if legacy is None:
        platform = LEGACY[machine].platform if machine in LEGACY else None
        return Processor(level, names, isa_bit, platform, tuple(subdirectories), None)
    words = [*(name for name, _ in legacy.hwcaps), legacy.platform, "tls"]
    for mask in range((1 << len(words)) - 1, 0, -1):  # glibc's order: all subsets, the last word first
        chosen = [word for bit, word in enumerate(words) if mask >> bit & 1]
        path = "".join(f"{word}/" for word in reversed(chosen))
        if path not in subdirectories:
            subdirectories.append(path)
    mask = sum(1 << bit for _, bit in legacy.hwcaps)
    bits = 1 << legacy.platform_bit if legacy.platform_bit >= 0 else 0
    return Processor(level, names, isa_bit, legacy.platform, tuple(subdirectories), mask, bits)


def first_components(machine: str) -> frozenset[str]:
    """Every name of a subdirectory that some processor of this machine would look into."""
    legacy = LEGACY.get(machine, Legacy((), machine))
    options = _LEGACY_OPTIONS.get(machine, {})
    return frozenset({HWCAPS_DIR, "tls", legacy.platform, *(name for name, _ in legacy.hwcaps), *options})
