"""S4, S5: reading one ELF file is bounded in time and memory, whatever it says; only documented errors leave."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchpack.elf.evidence import Elf
from scratchpack.elf.reader import read_elf
from scratchpack.errors import ElfError, ScratchpackError
from tests.support.build import HELLO_C, HELLO_GO, cc, go, shared
from tests.support.cli import HOME
from tests.unit.elf.forge import BASE, DYNAMIC, NEEDED, STRTAB, facts, forge

VERNEED = 0x6FFFFFFE


def bounded(data: bytes, *, seconds: float = 2.0, memory: int = 64 << 20) -> str:
    """Read it; the error's text, or "". The memory is what Python allocates."""
    tracemalloc.start()
    start = time.process_time()
    try:
        facts(data)
        result = ""
    except ScratchpackError as error:
        result = str(error)
    spent, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert spent < 4 * seconds, "tracemalloc alone takes three quarters of it"
    assert peak < memory
    return result


def test_twenty_thousand_needed_entries_of_one_long_string() -> None:
    data = forge((*[(NEEDED, 1)] * 20_000, (NEEDED, b"x" * (1 << 20))))
    assert "not ended within 4096 bytes" in bounded(data)


def test_many_different_names() -> None:
    data = forge((*[(NEEDED, 1 + at) for at in range(20_000)], (NEEDED, (b"x" * 3000 + b"\0") * 7)))
    assert "more than 8192 different names" in bounded(data)


def test_a_dynamic_section_without_an_end() -> None:
    data = forge((*[(7, 7)] * 200_000, (NEEDED, b"a")))
    assert "too many dynamic entries" in bounded(data)


def test_sixty_five_thousand_program_headers() -> None:
    data = bytearray(forge(()))
    struct.pack_into("<H", data, 56, 0xFFFF)
    assert "too many program headers" in bounded(bytes(data) + bytes(4 << 20))


def test_version_records_that_never_end() -> None:
    rows = b"".join(struct.pack("<HHIII", 1, 1, 1, 16, 16) for _ in range(100_000))
    base = forge(((VERNEED, 0), (NEEDED, b"a")))
    data = forge(((VERNEED, BASE + len(base)), (NEEDED, b"a")), notes=b"")
    grown = bytearray(data + rows)
    struct.pack_into("<QQ", grown, 64 + 32, len(grown), len(grown))  # the one segment covers it all
    assert "symbol version records" in bounded(bytes(grown))


def test_a_needed_list_as_long_as_the_cap_is_read() -> None:
    assert len(facts(forge(((NEEDED, b"liba.so"), *[(NEEDED, 1)] * 5000))).needed) == 5001


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Real files of each kind, small enough to mutate often."""
    home = tmp_path_factory.mktemp("seeds")
    shared(home / "libv.so", "int v;\n", "-s")
    return [
        cc(home / "dynamic", HELLO_C, "-s").read_bytes(),
        (home / "libv.so").read_bytes(),
        go(home / "go", HELLO_GO, "-ldflags=-s -w").read_bytes()[: 1 << 21],
        forge(((NEEDED, b"liba.so"),), bits=32, order="big", machine=8, interp=b"/lib/ld.so.1\0"),
    ]


def mutate(data: bytes, random: random.Random) -> bytes:
    """A few flips, runs, words and cuts, most of them where the tables are."""
    out = bytearray(data)
    for _ in range(random.randint(1, 6)):
        at = random.randrange(min(len(out), random.choice((64, 1024, 4096, len(out)))))
        match random.randrange(4):
            case 0:
                out[at] ^= 1 << random.randrange(8)
            case 1:
                out[at : at + 8] = random.choice((b"\xff" * 8, bytes(8), b"\x7f" + b"\xff" * 7))
            case 2:
                out[at : at + 4] = struct.pack("<I", random.choice((0, 1, 2, 3, 4, 0x7FFFFFFF, len(out), len(out) - 1)))
            case _:
                if random.random() < 0.2:
                    del out[max(64, at) :]
    return bytes(out)


def examine(data: bytes) -> None:
    """Facts and every view: errors of ours or an answer, within the time."""
    start = time.process_time()
    try:
        found = read_elf(io.BytesIO(data), origin="mutant")
        elf = Elf(lambda: io.BytesIO(data), found)
        for view in (elf.imports, elf.exports, elf.notes, elf.package, elf.sections, elf.is_go, elf.crates, elf.rustc):
            try:
                view()
            except ElfError:
                continue
        elf.go_functions(("main.main", "net.*"))
        elf.scan(("/etc/ssl", "GNU C Library"))
    except ScratchpackError:
        pass
    assert time.process_time() - start < 2


def test_no_mutant_crashes_or_hangs_the_reader(seeds: list[bytes]) -> None:
    chance = random.Random(20)
    for number in range(800):
        examine(mutate(seeds[number % len(seeds)], chance))


@given(st.binary(max_size=400), st.integers(0, 200))
@settings(max_examples=200, deadline=None)
def test_no_bytes_crash_the_reader(noise: bytes, at: int) -> None:
    data = bytearray(forge(((NEEDED, b"liba.so"), (VERNEED, BASE + 200)), interp=b"/ld\0"))
    data[at : at + len(noise)] = noise
    examine(bytes(data))


@pytest.mark.campaign
def test_fourteen_thousand_mutants(seeds: list[bytes]) -> None:
    chance = random.Random(int(os.environ.get("SCRATCHPACK_SEED", "14")))
    for number in range(14_000):
        examine(mutate(seeds[number % len(seeds)], chance))


def test_the_same_errors_leave_without_assertions_and_with_warnings_as_errors(tmp_path: Path) -> None:
    """S5: ``python -O -W error``."""
    whole = cc(tmp_path / "a", HELLO_C)
    (tmp_path / "cut").write_bytes(whole.read_bytes()[:3000])
    script = (
        "import sys; from scratchpack.elf.kind import open_input; from scratchpack.elf.reader import read_elf\n"
        "from scratchpack.errors import ElfError\n"
        "try:\n    with open_input(sys.argv[1]) as stream: read_elf(stream, origin='cut')\n"
        "except ElfError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-O", "-W", "error", "-X", "dev", "-c", script, tmp_path / "cut"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(HOME)},
    )  # fmt: skip
    assert done.stdout.startswith("cannot read cut: ")
    assert "Traceback" not in done.stderr


def test_reading_facts_costs_no_more_than_a_few_kilobytes() -> None:
    """The reader never holds the file: a library of tens of megabytes costs what a small one does."""
    biggest = max(Path("/usr/lib/x86_64-linux-gnu").glob("lib*.so*"), key=lambda path: path.stat().st_size)
    tracemalloc.start()
    with biggest.open("rb") as stream:
        read_elf(stream, origin=str(biggest))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_the_last_table_of_strings_counts() -> None:
    """A tag that stands twice: the loader keeps the last."""
    data = forge(((NEEDED, b"liba.so"), (STRTAB, 0x1)))
    with pytest.raises(ElfError):
        facts(data)


def test_a_second_dynamic_segment_replaces_the_first() -> None:
    data = forge(((NEEDED, b"liba.so"),), extra=((DYNAMIC, 0, 0x1, 16),))
    assert facts(data).needed == ("liba.so",)
