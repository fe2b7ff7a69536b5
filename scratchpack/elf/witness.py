"""An independent second reading of an ELF file, by lief and pyelftools, in a child process with limits.

It decides nothing. Where it differs from our own reader, ``verify`` says so: one of the two is wrong, and a person
should look before the image is trusted. Neither library is ever imported into the process that packs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from scratchpack.elf.model import ElfFacts

TIMEOUT = 60.0  # seconds
CPU = 30  # seconds
MEMORY = 4 << 30  # bytes of address space: lief holds the file, and more
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
    """Read a whole file a second time; ``None`` when the witness could not make anything of it in its limits.

    Raises:
        ScratchpackError: the child could not be started.
    """
    import json

    from scratchpack import proc

    limits = proc.Limits(memory=MEMORY, cpu=CPU)
    pieces = iter(lambda: stream.read(_PIECE), b"")
    try:
        done = proc.python("scratchpack.elf.witness", timeout=TIMEOUT, input=pieces, limits=limits)
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


def main() -> int:
    """The child: an ELF file on stdin, a reading as JSON on stdout; exit status 1 where there is none."""
    import json

    reading = _read(sys.stdin.buffer.read())
    if reading is None:
        return 1
    sys.stdout.write(json.dumps(reading._asdict()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
