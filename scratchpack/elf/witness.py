"""An independent second reading of an ELF file, by lief and pyelftools, in a child process with limits.

It decides nothing. Where it differs from our own reader, ``verify`` says so: one of the two is wrong, and a person
should look before the image is trusted. Neither library is ever imported into the process that packs.

The two libraries are not ours, and there are files that keep them busy for minutes. So the child holds itself to what S4
allows a reader, 2 seconds and 256 MB, once they are imported; what the file itself takes, held by the child and copied by
lief, comes on top, up to 512 MiB each. Whoever passes a bound gives no reading, and ``verify`` says that there is none.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from scratchpack.elf.model import ElfFacts

MAX_FILE = 512 << 20  # bytes; a larger one is not read a second time
CPU = 2  # seconds of processor time, from when the libraries are imported and the file is there
MEMORY = 256 << 20  # bytes of address space beyond that, and beyond lief's copy of the file
_TIMEOUT = 30.0  # seconds by the clock, of a child that waits for its turn on a busy machine
_OUTER = (2 << 30, 20)  # address space and processor time in which the child starts, before it can measure itself
_PIECE = 1 << 20


class SecondReading(NamedTuple):
    """What lief makes of a file; ``None`` and empty where it sees nothing."""

    bits: int
    byte_order: str
    e_machine: int
    interpreter: str | None
    needed: tuple[str, ...]
    soname: str | None
    rpath: str | None
    runpath: str | None
    versions: tuple[tuple[str, tuple[str, ...]], ...]  # provider and what is asked of it, both sorted
    sections: tuple[tuple[str, int, int], ...]  # pyelftools: name, offset, size


def second_reading(stream: BinaryIO) -> SecondReading | None:
    """Read a whole file, a seekable one, a second time; ``None`` when the witness could not make anything of it in its limits.

    Raises:
        ScratchpackError: the child could not be started.
    """
    import json

    from scratchpack import proc

    if stream.seek(0, 2) > MAX_FILE:
        return None
    stream.seek(0)
    pieces = iter(lambda: stream.read(_PIECE), b"")
    try:
        done = proc.python("scratchpack.elf.witness", timeout=_TIMEOUT, input=pieces, limits=proc.Limits(*_OUTER))
    except (proc.TimedOutError, proc.TooMuchOutputError):
        return None
    if done.status != 0:
        return None
    said = json.loads(done.out)
    said["needed"] = tuple(said["needed"])
    said["versions"] = tuple((name, tuple(versions)) for name, versions in said["versions"])
    said["sections"] = tuple((name, offset, size) for name, offset, size in said["sections"])
    return SecondReading(**said)


def disagreements(facts: ElfFacts, reading: SecondReading) -> tuple[str, ...]:
    """One line for each fact that the two readings differ in; empty when they agree."""
    ours = {
        "class": facts.bits,
        "byte order": facts.byte_order,
        "machine": facts.e_machine,
        "interpreter": facts.interpreter,
        "needed libraries": facts.needed,
        "soname": facts.soname,
        "RPATH": facts.rpath,
        "RUNPATH": facts.runpath,
        "version needs": _sorted((need.file, [v.name for v in need.versions]) for need in facts.version_needs),
    }
    theirs = reading[:-1]
    return tuple(
        f"{name}: our reader says {mine!r}, the second reading {other!r}"
        for (name, mine), other in zip(ours.items(), theirs, strict=True)
        if mine != other
    )


def _sorted(needs: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(sorted((name, tuple(sorted(versions))) for name, versions in needs))


def _read(data: bytes) -> SecondReading | None:
    """The reading itself; only in the child."""
    import io

    import lief

    from scratchpack.elf.detail import sections

    lief.logging.disable()
    config = lief.ELF.ParserConfig()
    config.parse_relocations = config.parse_dyn_symbols = config.parse_symtab_symbols = False
    config.parse_notes = config.parse_overlay = False
    binary = lief.ELF.parse(io.BytesIO(data), config)
    if binary is None:
        return None
    entry = lief.ELF.DynamicEntry.TAG
    named: dict[Any, list[str]] = {}
    for item in binary.dynamic_entries:
        named.setdefault(item.tag, []).append(_text(getattr(item, "name", None) or getattr(item, "rpath", None)))
        if item.tag == entry.RUNPATH:
            named[item.tag][-1] = _text(getattr(item, "runpath", ""))

    def last(tag: Any) -> str | None:
        return named[tag][-1] if tag in named else None

    is_64 = binary.header.identity_class == lief.ELF.Header.CLASS.ELF64
    is_little = binary.header.identity_data == lief.ELF.Header.ELF_DATA.LSB
    versions = (
        (_text(need.name), [_text(aux.name) for aux in need.get_auxiliary_symbols()])
        for need in binary.symbols_version_requirement
    )
    return SecondReading(
        64 if is_64 else 32,
        "little" if is_little else "big",
        int(binary.header.machine_type.value),
        _text(binary.interpreter) if binary.has_interpreter else None,
        tuple(named.get(entry.NEEDED, ())),
        last(entry.SONAME),
        last(entry.RPATH),
        last(entry.RUNPATH),
        _sorted(versions),
        sections(io.BytesIO(data)),
    )


def _text(value: Any) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value or "")


def _hold(size: int) -> None:
    """Bound what this process may still use (S4), with a file of ``size`` bytes in it already."""
    import resource

    with open("/proc/self/statm") as stream:
        space = int(stream.read().split()[0]) * resource.getpagesize()
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(used.ru_utime + used.ru_stime + CPU)
    for kind, value in ((resource.RLIMIT_AS, space + size + MEMORY), (resource.RLIMIT_CPU, seconds)):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard),) * 2)


def main() -> int:
    """The child: an ELF file on stdin, a reading as JSON on stdout; exit status 1 where there is none."""
    import importlib
    import json

    for module in ("lief", "elftools.elf.elffile"):  # a second of work that is no reading
        importlib.import_module(module)
    data = sys.stdin.buffer.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        return 1
    _hold(len(data))
    reading = _read(data)
    if reading is None:
        return 1
    sys.stdout.write(json.dumps(reading._asdict()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
