"""Every output is old or new, and nothing is left behind (S17, S18, S19)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from scratchpack.errors import OutputError
from scratchpack.sinks.publish import StagedFile
from tests.support import tools
from tests.support.images import docker_archive, hello, noise

HOME = Path(__file__).parents[3]
# Builds a layer that never ends, into an archive or a layout, and says when it is in the middle; SIGTERM is raised as cli does.
SLOW = """
import signal, sys, time
from scratchpack.oci.layer import build_layer
from scratchpack.sinks.archive import Archive
from scratchpack.sinks.layout import OciLayout
from tests.support.images import hello, noise

def terminate(number, frame):
    raise SystemExit(143)

def wait(done):
    if done > 1_000_000:
        print("middle", flush=True)
        for _ in range(600):  # a signal that comes just before a sleep does not end it
            time.sleep(0.1)

signal.signal(signal.SIGTERM, terminate)
kind = {"archive": Archive, "layout": OciLayout}[sys.argv[2]]
with kind(sys.argv[1]) as output:
    build_layer(hello(noise(4_000_000)), spool=output, on_progress=wait)
"""


def interrupted(dest: Path, kind: str, number: int) -> None:
    """Run SLOW until it is in the middle, and end it with a signal."""
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, str(dest), kind],
        env={**os.environ, "PYTHONPATH": str(HOME)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"middle\n"
        process.send_signal(number)
        assert process.wait(20) != 0


@pytest.mark.parametrize("kind", ["archive", "layout"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(tmp_path: Path, kind: str, number: int) -> None:
    """S18."""
    interrupted(tmp_path / "out", kind, number)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["archive", "layout"])
def test_what_a_killed_run_left_is_cleared_by_the_next(tmp_path: Path, kind: str) -> None:
    """S18: and the old output still stands (S17)."""
    (tmp_path / "out.tar").write_text("old")
    interrupted(tmp_path / "out", kind, signal.SIGKILL)
    (left,) = [path for path in tmp_path.iterdir() if path.name != "out.tar"]
    assert left.name.endswith(".scratchpack-tmp")
    docker_archive(tmp_path / "out.tar")
    assert [path.name for path in tmp_path.iterdir()] == ["out.tar"]


def test_a_run_that_still_works_keeps_its_temporary(tmp_path: Path) -> None:
    with StagedFile(str(tmp_path / "a")) as first:
        first.write(b"first")
        with StagedFile(str(tmp_path / "a")) as second:
            second.write(b"second")
            second.publish()
        assert (tmp_path / "a").read_bytes() == b"second"
        first.publish()
    assert (tmp_path / "a").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_leaves_the_old_output(tmp_path: Path) -> None:
    """S19, on a real filesystem of 1 MiB."""
    if os.geteuid() != 0:
        tools.missing("mounting a small filesystem wants root")
    small = tmp_path / "small"
    small.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=False, capture_output=True)
    if done.returncode:
        tools.missing(f"mounting does not work here: {done.stderr.decode()}")
    try:
        (small / "out.tar").write_text("old")
        with pytest.raises(OutputError, match="No space left on device") as caught:
            docker_archive(small / "out.tar", hello(noise(4_000_000)))
        assert "make room" in (caught.value.hint or "")
        assert (small / "out.tar").read_text() == "old"
        assert [path.name for path in small.iterdir()] == ["out.tar"]
    finally:
        subprocess.run(["umount", small], check=True)


@pytest.mark.parametrize("where", ["missing/out.tar", "directory", "file/out.tar"])
def test_a_place_that_cannot_be_written_is_said(tmp_path: Path, where: str) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="cannot write"):
        docker_archive(tmp_path / where)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["directory", "file"]


def test_an_output_through_a_link_replaces_what_the_link_names(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out.tar").symlink_to("real/out.tar")
    docker_archive(tmp_path / "out.tar")
    assert (tmp_path / "out.tar").is_symlink()
    assert (tmp_path / "real/out.tar").stat().st_size > 1000


def test_devices_and_pipes_are_written_and_not_replaced(tmp_path: Path) -> None:
    docker_archive(Path("/dev/null"))
    assert Path("/dev/null").is_char_device()
    os.mkfifo(tmp_path / "fifo")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "fifo").read_bytes()))
    reader.start()
    docker_archive(tmp_path / "fifo")
    reader.join(20)
    docker_archive(tmp_path / "file")
    assert sorted(got[0]) == sorted((tmp_path / "file").read_bytes())
    assert (tmp_path / "fifo").is_fifo()


def test_the_mode_of_a_new_file_is_what_the_umask_says(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        docker_archive(tmp_path / "a")
    finally:
        os.umask(old)
    assert oct((tmp_path / "a").stat().st_mode) == "0o100640"


def test_a_leftover_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """Only plain files and directories of our own; a link is never followed."""
    precious = tmp_path / "precious"
    precious.write_text("x")
    (tmp_path / ".a.123.scratchpack-tmp").symlink_to(precious)
    os.mkfifo(tmp_path / ".b.123.scratchpack-tmp")
    docker_archive(tmp_path / "a")
    assert len(list(tmp_path.iterdir())) == 4
