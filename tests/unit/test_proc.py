"""Running other programs: deadlines that hold for the grandchildren too, limits, input in pieces."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scratchpack import proc

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON = [sys.executable, "-I", "-c"]


def test_status_and_both_streams_come_back_apart() -> None:
    done = proc.run(["sh", "-c", "echo out; echo first >&2; echo last >&2; exit 3"], timeout=20)
    assert done == proc.Done(3, b"out\n", b"first\nlast\n")
    assert done.complaint == "last"


def test_without_input_a_program_reads_nothing() -> None:
    assert proc.run(["cat"], timeout=20).out == b""


def test_input_is_streamed_in_pieces() -> None:
    done = proc.run(["wc", "-c"], input=(b"x" * 65536 for _ in range(160)), timeout=20)
    assert int(done.out) == 10 << 20


def test_a_program_that_stops_reading_is_no_error() -> None:
    assert proc.run(["true"], input=(b"x" * 65536 for _ in range(160)), timeout=20).status == 0


def test_an_error_of_the_input_is_raised_and_the_program_ended() -> None:
    def broken() -> Iterator[bytes]:
        yield b"some"
        raise OSError(5, "the disk is broken")

    with pytest.raises(OSError, match="the disk is broken"):
        proc.run(["cat"], input=broken(), timeout=20)


def test_output_goes_to_a_file_when_one_is_given(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        assert proc.run(["echo", "hello"], output=out, timeout=20).out == b""
    assert (tmp_path / "out").read_bytes() == b"hello\n"


def test_a_program_that_is_not_there_says_so() -> None:
    with pytest.raises(proc.NotStartedError, match="cannot run no-such-program-here: No such file"):
        proc.run(["no-such-program-here"], timeout=20)


def test_the_deadline_ends_the_grandchildren_too(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with pytest.raises(proc.TimedOutError, match=r"still running after 0\.5 s"):
        proc.run(["sh", "-c", f"sleep 300 & echo $! > {pid}; wait"], timeout=0.5)
    grandchild, end = int(pid.read_text()), time.monotonic() + 5
    while _runs(grandchild) and time.monotonic() < end:
        time.sleep(0.02)
    assert not _runs(grandchild)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_daemon_left_behind_does_not_hold_the_result_back() -> None:
    """It keeps our pipes open for longer than the deadline: waiting for their end would be a TimedOutError."""
    done = proc.run(["sh", "-c", "sleep 30 & echo done"], timeout=20)
    assert (done.status, done.out) == (0, b"done\n")


def test_output_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proc, "OUTPUT_CAP", 1 << 20)
    with pytest.raises(proc.TooMuchOutputError, match="more than 1 MiB"):
        proc.run(["yes"], timeout=20)


def test_memory_is_limited_before_the_program_starts() -> None:
    """S4: 256 MB for one reading."""
    grab = [*PYTHON, "x = bytearray(400 << 20)"]
    assert proc.run(grab, timeout=20).status == 0
    done = proc.run(grab, limits=proc.Limits(memory=256 << 20), timeout=20)
    assert done.status == 1
    assert "MemoryError" in done.complaint


def test_processor_time_is_limited() -> None:
    done = proc.run([*PYTHON, "while True: pass"], limits=proc.Limits(cpu=1), timeout=20)
    assert done.status < 0


def test_the_environment_is_the_one_given() -> None:
    said = proc.run([*PYTHON, "import os; print(sorted(os.environ))"], env={"ONLY": "this"}, timeout=20).out
    assert b"ONLY" in said
    assert b"HOME" not in said


def test_a_module_runs_isolated_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    done = proc.python("json.tool", input=b'{"a":1}', timeout=20)
    assert done.status == 0, done.err
    assert done.out.split() == [b"{", b'"a":', b"1", b"}"]


def test_a_module_of_ours_is_found_and_gets_its_arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    done = proc.python("scratchpack.errors", "x", timeout=20, limits=proc.Limits(memory=512 << 20, cpu=10))
    assert done.status == 0, done.err
