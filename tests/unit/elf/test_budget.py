"""S4, S23: what one file and one run may cost in all; each input here keeps every cap on a single item."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import pytest

from scratchpack.elf.budget import FILE, RUN, Bounds, Budget
from scratchpack.elf.evidence import Elf
from scratchpack.elf.image import ElfImage
from scratchpack.elf.reader import read_elf
from scratchpack.elf.scan import merged
from scratchpack.errors import InputError, LimitError
from tests.support import hostile_elf
from tests.support.hostile_elf import PROGRAMS, glibc_root
from tests.support.limited import CPU, MEMORY, inspected
from tests.unit.elf.forge import LOAD, NEEDED, forge

if TYPE_CHECKING:
    from pathlib import Path

# What is no more than a strange file gets an answer; all the rest ends in an error that says which bound was passed.
ANSWERED = {
    "segments_over_one_note", "an_interpreter_of_as_many_slashes_as_may_be", "needed_names_with_a_slash", "a_list_of_auditors",
    "filters_that_reorder_all", "a_loader_of_slashes", "crates_that_inflate",
}  # fmt: skip
DAMAGED = {"a_hash_table_that_lies", "many_segments_and_version_records", "an_interpreter_of_slashes"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_hostile_program_is_answered_or_refused_within_two_seconds_and_256_megabytes(
    name: str, tmp_path: Path
) -> None:
    """Examined in a process that the kernel stops at two seconds and 256 MB."""
    program = PROGRAMS[name](glibc_root(tmp_path))
    (found,) = inspected([(f"/{program.name}", str(tmp_path))])
    program.unlink()  # some have 60 MB
    assert found.exit == (0 if name in ANSWERED else 3), found
    assert found.cpu <= CPU
    assert found.grown << 10 <= MEMORY
    if found.exit:
        assert found.message.startswith("cannot read" if name in DAMAGED else "cannot examine"), found


def test_a_file_pays_for_itself_and_for_its_run() -> None:
    run = Budget("a run", Bounds(100, 10, 1, 50))
    one, other = run.file("one"), run.file("other")
    one.read(60)
    one.step(6)
    one.keep(30)
    assert (run.bytes_read, run.steps_taken, run.bytes_kept) == (60, 6, 30)
    with pytest.raises(LimitError, match="cannot examine a run: it makes for more than 100 bytes to be read"):
        other.read(60)
    with pytest.raises(LimitError, match="records to be looked at"):
        other.step(6)
    with pytest.raises(LimitError, match="bytes to be kept"):
        other.keep(30)
    run.look_up()
    with pytest.raises(LimitError, match="more than 1 names to be looked up"):
        run.look_up()


def test_a_run_may_cost_as_much_as_its_programs_together() -> None:
    run = Budget("a run", Bounds(100, 10, 1, 50))
    run.widen(Bounds(0, 10, 1, 0))
    run.step(20)
    run.look_up()
    run.look_up()
    with pytest.raises(LimitError, match="20 records"):
        run.step()


def test_a_spent_budget_is_not_mistaken_for_a_damaged_file() -> None:
    """What goes on without a damaged candidate or view must not go on without this one."""
    assert not issubclass(LimitError, InputError)
    assert LimitError.exit_code == 3


def test_a_view_that_is_evidence_only_says_so_too() -> None:
    data = forge(((NEEDED, b"liba.so"),))
    file = Elf(
        lambda: io.BytesIO(data), read_elf(io.BytesIO(data), origin="x"), Budget("a run", FILE._replace(read=10))
    )
    with pytest.raises(LimitError):
        file.crates()


def test_the_same_bytes_are_searched_once_however_many_segments_map_them() -> None:
    extra = tuple((LOAD, 0, 0x10000000 * at, 4096) for at in range(1, 500))
    data = forge(((NEEDED, b"liba.so"),), extra=extra)
    data += bytes(8192 - len(data) % 4096)
    image = ElfImage(io.BytesIO(data), "x")
    parts = [(segment.offset, segment.filesz) for segment in image.segments if segment.type == LOAD]
    assert merged(image, parts) == [(0, max(size for _, size in parts))]
    file = Elf(lambda: io.BytesIO(data), read_elf(io.BytesIO(data), origin="x"), run := Budget("a run", RUN))
    file.scan(("/etc/nothing",))
    assert run.bytes_read < 40 * len(data)


def test_loads_are_found_by_address_and_not_one_after_the_other() -> None:
    """1,150 segments cost as much a lookup as two do: counted in comparisons of addresses."""

    class Counted(int):
        compared = 0

        def __lt__(self, other: int) -> bool:
            Counted.compared += 1
            return int(self) < other

    extra = tuple((LOAD, 0, 0x10000000 * at, 64) for at in range(1, 1000))
    image = ElfImage(io.BytesIO(forge(((NEEDED, b"liba.so"),), extra=extra)), "x")
    image.offset(Counted(0x10000000 * 700), "x")
    assert Counted.compared < 15


def test_names_are_shared_by_offset() -> None:
    """A million symbols of one name keep one name."""
    count = 50_000
    data = hostile_elf.with_symbols(hostile_elf.symbol(1) * count, count, b"\0" + b"x" * 4000 + b"\0")
    run = Budget("a run", RUN)
    file = Elf(lambda: io.BytesIO(data), read_elf(io.BytesIO(data), origin="x"), run)
    assert file.imports() == {"x" * 4000}
    assert run.bytes_kept < 10_000


def test_a_segment_that_is_zeroed_hides_what_an_earlier_one_mapped() -> None:
    """The loader maps in order, zeroes included: what it reads there is not what the file holds."""
    data = bytearray(forge(((NEEDED, b"liba.so"),), extra=((LOAD, 0, 0x400000, 0),)))
    rows = data[64 : 64 + 56], data[64 + 56 : 64 + 112]
    data[64 : 64 + 112] = rows[1] + rows[0]
    struct.pack_into("<Q", data, 64 + 56 + 40, 0x2000)  # p_memsz of the later, empty one
    with pytest.raises(InputError, match="which no segment maps from the file"):
        read_elf(io.BytesIO(bytes(data)), origin="x")
