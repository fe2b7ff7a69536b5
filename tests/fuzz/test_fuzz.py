"""S3, S4, S5 against damage: short here, long in the campaign (docs/hostile-input.md has the figures)."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchpack.elf.budget import FILE, RUN, Budget
from scratchpack.elf.evidence import Elf
from scratchpack.elf.model import Linkage
from scratchpack.elf.reader import read_elf
from scratchpack.errors import ScratchpackError
from scratchpack.loader.tokens import Tokens, expand, musl_search_list, search_list
from scratchpack.oci.reference import from_file_name, parse
from scratchpack.rootfs import Directory, Reason, Rootfs, Symlink
from tests.fuzz import pipeline
from tests.fuzz.mutants import mutant, names_an_interpreter, seed
from tests.fuzz.targets import TARGETS
from tests.support.cli import HOME

if TYPE_CHECKING:
    from pathlib import Path


def mutants(files: list[bytes], count: int, number: int) -> None:
    """Facts and views of each: answers or errors of ours, within the budgets, never a false "static"."""
    import io

    chance = random.Random(number)
    parsed = [seed(data) for data in files]
    for at in range(count):
        data = mutant(parsed[at % len(parsed)], chance)
        run = Budget("this run", RUN)
        try:
            facts = read_elf(io.BytesIO(data), origin="mutant", budget=run.file("mutant"))
            assert not names_an_interpreter(data) or facts.linkage not in (Linkage.STATIC, Linkage.STATIC_PIE), at
            file = Elf(lambda data=data: io.BytesIO(data), facts, run)  # type: ignore[misc]
            for view in (file.imports, file.exports, file.notes, file.sections, file.is_go, file.crates):
                view()
            file.scan(("/etc/ssl", ".so"))
        except ScratchpackError:
            pass
        assert run.steps_taken <= 2 * FILE.steps
        assert run.bytes_kept <= 2 * FILE.kept + (1 << 20)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return list(pipeline.seeds(tmp_path_factory.mktemp("seeds")))


def test_no_damaged_field_breaks_the_reader_or_makes_a_program_static(files: list[bytes]) -> None:
    mutants(files, 600, 7)


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_bytes_are_answered_or_refused(name: str) -> None:
    read, whole = TARGETS[name]
    read(whole) if name not in ("rpm_ndb", "rpm_header") else None
    chance = random.Random(3)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 2, 8))):
            at = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    data[at : at + 4] = chance.choice((b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\xc2\xb2\xb2\xb2"))
                case 2:
                    data[at:at] = data[max(0, at - 40) : at] * chance.randrange(4)
                case _:
                    del data[at : at + chance.randrange(16)]
            data = data or bytearray(b"x")
        try:
            read(bytes(data))
        except ScratchpackError:
            continue


# Names are bytes (S11): what os.fsdecode makes of any.
names = (
    st.binary(min_size=1, max_size=12)
    .filter(lambda name: not set(name) & set(b"/\0") and name not in (b".", b".."))
    .map(os.fsdecode)
)


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_reference_or_an_error_that_says_why(text: str) -> None:
    try:
        parsed = parse(text)
    except ScratchpackError:
        return
    assert str(parse(str(parsed))) == str(parsed)


@given(names)
@settings(max_examples=100, deadline=None)
def test_any_file_name_gives_a_reference_that_reads_back(name: str) -> None:
    made = from_file_name(name)
    assert str(parse(str(made))) == str(made)


@given(st.text(st.sampled_from("$ORIGNLBPATFM{}/:ab\udcff"), max_size=40))
@settings(max_examples=150, deadline=None)
def test_any_list_of_directories_expands(text: str) -> None:
    tokens = Tokens("/o", "lib", None)
    expanded = expand(text, tokens)
    assert expanded is None or "${ORIGIN}" not in expanded.text
    found = [element.text for element in search_list(text, tokens, ":")]
    assert len(found) == len(set(found))
    musl_search_list(text, "/o")


@given(st.lists(st.lists(names, min_size=1, max_size=4), max_size=8), st.integers(0, 7))
@settings(max_examples=100, deadline=None)
def test_any_tree_has_its_parents_first_and_no_name_twice(paths: list[list[str]], links: int) -> None:
    because = (Reason("option", "--include"),)
    entries = [
        Symlink("/" + "/".join(parts), "x", because)
        if at < links
        else Directory("/" + "/".join(parts), because=because)
        for at, parts in enumerate(paths)
    ]
    try:
        found = [entry.path for entry in Rootfs(entries)]
    except ScratchpackError:
        return
    assert len(found) == len(set(found))
    for at, path in enumerate(found):
        parent = path.rpartition("/")[0]
        assert parent not in found[at:]


def test_whole_commands_survive_damage_too() -> None:
    """A few of the campaign's mutants, from another seed of chance."""
    assert pipeline.run(40, 2)["mutants"] == 40


@pytest.mark.campaign
def test_fifty_thousand_mutants_through_inspect_pack_and_verify() -> None:
    number = int(os.environ.get("SCRATCHPACK_SEED", "100"))
    for at in range(50):
        print(pipeline.run(1000, number + at))  # noqa: T201 - the figures for docs/hostile-input.md


@pytest.mark.campaign
def test_three_hundred_thousand_mutants_of_elf_files(files: list[bytes]) -> None:
    mutants(files, 300_000, int(os.environ.get("SCRATCHPACK_SEED", "8")))


@pytest.mark.campaign
@pytest.mark.parametrize("name", TARGETS)
def test_coverage_guided_fuzzing_finds_no_undocumented_exception(name: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris is not installed (the extra `fuzz`)")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/whole").write_bytes(TARGETS[name][1])
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.coverage", name, str(tmp_path / "corpus"), "-max_total_time=60", "-timeout=4", "-rss_limit_mb=600"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(HOME)}, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
