"""The second reading: lief and pyelftools agree with our reader on the real files of this machine."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scratchpack.elf.image import ElfImage
from scratchpack.elf.reader import read_elf
from scratchpack.elf.sections import read_sections
from scratchpack.elf.witness import CPU, MAX_FILE, MEMORY, _read, disagreements, second_reading
from tests.support.build import HELLO_C, cc, shared, zig
from tests.support.cli import HOME
from tests.unit.elf.forge import NEEDED, facts, forge

# Run beside the tests: every ELF file given on stdin, both readings, one line for each that differs.
COMPARE = """
import sys
from scratchpack.elf.image import ElfImage
from scratchpack.elf.reader import read_elf
from scratchpack.elf.sections import read_sections
from scratchpack.elf.witness import _read, disagreements
from scratchpack.errors import InputError
count = 0
for path in sys.stdin.read().split("\\0"):
    with open(path, "rb") as stream:
        try:
            facts = read_elf(stream, origin=path)
        except InputError as error:
            print(error)
            continue
        stream.seek(0)
        data = stream.read()
        reading = _read(data)
        count += 1
        if reading is None:
            print(path, "lief reads nothing")
            continue
        for line in disagreements(facts, reading):
            print(path, line)
        ours = tuple((section.name, section.offset, section.size) for section in read_sections(ElfImage(stream, path)))
        if reading.sections != ours:
            print(path, "sections differ")
print(count, file=sys.stderr)
"""


def elf_files(limit: int) -> list[str]:
    """ELF files of the machine up to 2 MiB, spread over the directories."""
    found = []
    for directory in ("/usr/bin", "/usr/lib/x86_64-linux-gnu"):
        for path in sorted(Path(directory).iterdir()):
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 2 << 20:
                with path.open("rb") as stream:
                    if stream.read(4) == b"\x7fELF" and stream.read(14)[12:14] in (b"\2\0", b"\3\0"):
                        found.append(str(path))
    return found[:: max(1, len(found) // limit)]


def compare(paths: list[str]) -> tuple[str, int]:
    done = subprocess.run(
        [sys.executable, "-c", COMPARE], input="\0".join(paths), capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(HOME)}, timeout=900,
    )  # fmt: skip
    return done.stdout, int(done.stderr.split()[-1])


def test_both_readings_agree_on_files_of_this_machine() -> None:
    said, count = compare(elf_files(120))
    assert said == ""
    assert count >= 100


@pytest.mark.campaign
def test_both_readings_agree_on_every_file_of_this_machine() -> None:
    said, count = compare(elf_files(1_000_000))
    assert said == ""
    assert count > 500


@pytest.mark.parametrize("target", ["s390x-linux-gnu", "mips-linux-gnueabihf", "arm-linux-gnueabihf"])
def test_both_readings_agree_on_other_machines(tmp_path: Path, target: str) -> None:
    path = zig(tmp_path / "libx.so.1", "int x;\n", target, "-shared", "-nostdlib", "-Wl,-soname,libx.so.1,-rpath,/r")
    with path.open("rb") as stream:
        found = read_elf(stream, origin="x")
    reading = _read(path.read_bytes())
    assert reading is not None
    assert disagreements(found, reading) == ()
    assert reading.soname == "libx.so.1"


def test_the_child_reads_and_agrees(tmp_path: Path) -> None:
    shared(tmp_path / "liba.so", "int a;\n")
    path = cc(tmp_path / "x", HELLO_C, str(tmp_path / "liba.so"), "-Wl,--no-as-needed", f"-Wl,-rpath,{tmp_path}")
    with path.open("rb") as stream:
        found = read_elf(stream, origin="x")
        ours = tuple((part.name, part.offset, part.size) for part in read_sections(ElfImage(stream, "x")))
        stream.seek(0)
        reading = second_reading(stream)
    assert reading is not None
    assert disagreements(found, reading) == ()
    assert reading.sections == ours


def test_a_difference_is_put_into_words(tmp_path: Path) -> None:
    path = cc(tmp_path / "x", HELLO_C)
    with path.open("rb") as stream:
        found = read_elf(stream, origin="x")._replace(interpreter=None)
        stream.seek(0)
        reading = second_reading(stream)
    assert reading is not None
    assert disagreements(found, reading) == (
        "interpreter: our reader says None, the second reading '/lib64/ld-linux-x86-64.so.2'",
    )


def test_a_file_that_the_witness_cannot_read_is_no_reading() -> None:
    assert second_reading(io.BytesIO(b"no ELF at all")) is None


# Beside the tests, for the kernel's own account of the child alone: seconds, megabytes and what came of it, for the file on stdin.
COST = """
import resource, sys
from scratchpack.elf.witness import second_reading
reading = second_reading(open(sys.argv[1], "rb"))
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss >> 10, reading is not None)
"""


def cost(path: Path) -> tuple[float, int, bool]:
    done = subprocess.run(
        [sys.executable, "-c", COST, path], capture_output=True, text=True, check=True, cwd=HOME, timeout=120
    )
    seconds, megabytes, read = done.stdout.split()
    return float(seconds), int(megabytes), read == "True"


def test_the_second_reading_costs_two_seconds_and_256_megabytes_at_most(tmp_path: Path) -> None:
    """S4: lief alone would take 20 GB for the first of these, and gigabytes of zeroes of the second."""
    plain = tmp_path / "plain"
    plain.write_bytes(forge(()))
    started, held, read = cost(plain)
    assert read
    hostile = tmp_path / "hostile"
    hostile.write_bytes(forge(((NEEDED, b"x" * (1 << 20)), *((NEEDED, 1) for _ in range(20_000)))))
    seconds, megabytes, _ = cost(hostile)
    assert seconds - started <= CPU + 1  # the kernel counts whole seconds
    assert megabytes - held <= (MEMORY >> 20) + 2 * (hostile.stat().st_size >> 20) + 1
    os.truncate(plain, MAX_FILE + 1)
    seconds, megabytes, read = cost(plain)
    assert (megabytes <= held, read) == (True, False)


def test_a_section_table_that_lies_is_no_evidence_for_the_loader() -> None:
    """S2: pyelftools finds strings through section headers; our facts do not change with them."""
    data = bytearray(forge(((NEEDED, b"liba.so"),)))
    before = facts(bytes(data))
    data[0x28:0x30] = (0x40).to_bytes(8, "little")
    data[0x3A:0x40] = b"\x40\0\2\0\1\0"
    assert facts(bytes(data)) == before
