"""Every kind of output is the old one or the new one, whatever ends or fails on the way (S17, S18, S19, S20).

Faults come from the kernel's side: strace makes one chosen system call of the run fail, or kills the run at it.
"""

from __future__ import annotations

import hashlib
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import build, tools
from tests.support.cli import HOME

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {
    "docker": "type=docker,compression=none,dest=out",
    "oci": "type=oci,compression=none,dest=out",
    "layout": "type=oci,tar=false,compression=none,dest=out",
    "local": "type=local,dest=out",
    "tar": "type=tar,dest=out",
    "dockerfile": "type=dockerfile,dest=out",
}
CALLS = "openat,mkdir,write,pwrite64,fsync,rename,renameat2,link,symlink,unlink,unlinkat,rmdir,fchmod,chmod,utimensat,ftruncate"


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static C program."""
    return build.cc(tmp_path_factory.mktemp("survive") / "hello", build.HELLO_C, "-static")


def words(hello: Path, kind: str) -> list[str]:
    return [sys.executable, "-B", "-m", "scratchpack", "pack", "-q", "--force", str(hello), "-o", KINDS[kind]]


def run(command: list[str], place: Path, **more: object) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(HOME)}
    return subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload,no-any-return]


def strace(rule: str, command: list[str], log: Path) -> list[str]:
    program = tools.need("strace", package="strace")
    return [
        program,
        "-f",
        "-qq",
        "-o",
        str(log),
        "-e",
        f"trace={CALLS}",
        *(["-e", rule] if rule else []),
        *command,
    ]


def state(place: Path) -> str:
    """A digest of everything there, names, modes and contents; the same for the same output."""
    lines = []
    for path in sorted(place.rglob("*")):
        data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        lines.append(f"{path.relative_to(place)} {path.lstat().st_mode:o} {hashlib.sha256(data).hexdigest()}")
    return "\n".join(lines)


def old_output(kind: str, place: Path) -> str:
    """Something that stands there already, as an earlier run of another program may have left it."""
    place.mkdir()
    if kind in ("docker", "oci", "tar"):
        (place / "out").write_text("old")
    else:
        (place / "out/old").mkdir(parents=True)
        (place / "out/old/file").write_text("old")
    return state(place)


def finished(kind: str, hello: Path, place: Path) -> str:
    """What a run that nothing disturbs leaves."""
    old_output(kind, place)
    done = run(words(hello, kind), place)
    assert done.returncode == 0, done.stderr
    return state(place)


FAULTS = [
    ("docker", "write", "EDQUOT"), ("docker", "pwrite64", "EIO"), ("oci", "fsync", "EIO"), ("layout", "write", "EIO"),
    ("layout", "rename", "EDQUOT"), ("local", "write", "EDQUOT"), ("tar", "rename", "EIO"), ("dockerfile", "fsync", "EDQUOT"),
]  # fmt: skip
EVERY_FAULT = [
    (kind, call, error)
    for kind in KINDS
    for call in ("write", "fsync")
    for error in ("EDQUOT", "EIO", "ENOSPC")
    if (kind, call, error) not in FAULTS
]
SAID = {"EDQUOT": "Disk quota exceeded", "EIO": "Input/output error", "ENOSPC": "No space left on device"}


@pytest.mark.parametrize(
    ("kind", "call", "error"), [*FAULTS, *(pytest.param(*fault, marks=pytest.mark.campaign) for fault in EVERY_FAULT)]
)
def test_a_failing_disk_is_said_and_the_old_output_stands(
    kind: str, call: str, error: str, hello: Path, tmp_path: Path
) -> None:
    """S19: one write, fsync or rename of the run fails."""
    place = tmp_path / "place"
    old = old_output(kind, place)
    done = run(strace(f"inject={call}:error={error}:when=1", words(hello, kind), tmp_path / "log"), place)
    assert "(INJECTED)" in (tmp_path / "log").read_text()
    assert done.returncode == 7, done.stderr
    assert SAID[error] in done.stderr
    assert "hint:" in done.stderr
    assert "Traceback" not in done.stderr
    assert state(place) == old


@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_on_the_size_of_files_is_said_and_the_old_output_stands(kind: str, hello: Path, tmp_path: Path) -> None:
    """S19: RLIMIT_FSIZE, below the size of the program."""
    place = tmp_path / "place"
    old = old_output(kind, place)
    done = run(
        words(hello, kind), place, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    )
    assert done.returncode == 7, done.stderr
    assert "File too large" in done.stderr
    assert "ulimit -f" in done.stderr
    assert state(place) == old


def points(kind: str, hello: Path, tmp_path: Path) -> list[tuple[str, int]]:
    """The system calls of a run from its first temporary on: name and number of the call of that name."""
    place = tmp_path / "count"
    old_output(kind, place)
    assert run(strace("", words(hello, kind), tmp_path / "log"), place).returncode == 0
    counts: dict[str, int] = {}
    found: list[tuple[str, int]] = []
    main = ""
    for line in (tmp_path / "log").read_text().splitlines():
        thread, call = line.split(None, 1)
        main = main or thread
        if thread != main or not (name := re.match(r"(\w+)\(", call)):
            continue
        counts[name[1]] = counts.get(name[1], 0) + 1
        if found or "scratchpack-tmp" in call:
            found.append((name[1], counts[name[1]]))
    return found


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("docker", 3),
        ("layout", 2),
        ("local", 2),
        *(pytest.param(kind, 100, marks=pytest.mark.campaign) for kind in KINDS),
    ],
)
def test_a_run_that_is_killed_leaves_the_old_output_or_the_new(
    kind: str, number: int, hello: Path, tmp_path: Path
) -> None:
    """S17, S18: SIGKILL at system calls spread over the writing; the next run clears what it left."""
    new = finished(kind, hello, tmp_path / "finished")
    every = points(kind, hello, tmp_path)
    chosen = [every[at * (len(every) - 1) // max(1, number - 1)] for at in range(number)]
    for call, count in dict.fromkeys(chosen):
        place = tmp_path / "place"
        old = old_output(kind, place)
        done = run(strace(f"inject={call}:signal=SIGKILL:when={count}", words(hello, kind), tmp_path / "log"), place)
        assert done.returncode == -signal.SIGKILL, (call, count)
        left = list(place.glob(".*.scratchpack-tmp"))
        for path in left:
            path.rename(tmp_path / path.name)  # what it left is no part of the output
        assert state(place) in (old, new), (call, count)
        for path in left:
            (tmp_path / path.name).rename(path)
        assert run(words(hello, kind), place).returncode == 0
        assert state(place) == new, (call, count)
        shutil.rmtree(place)


@pytest.mark.campaign
@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_of_any_size_is_enough_or_leaves_the_old_output(kind: str, hello: Path, tmp_path: Path) -> None:
    """S19: twenty file systems, from too small for anything to nearly large enough."""
    if os.geteuid() != 0:
        tools.missing("mounting a small filesystem wants root")
    new = finished(kind, hello, tmp_path / "finished")
    enough = (hello.stat().st_size + 200_000) // 1024
    small = tmp_path / "small"
    for step in range(20):
        small.mkdir(exist_ok=True)
        size = f"size={16 + enough * step // 19}k"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", small], check=True)
        try:
            old = old_output(kind, small / "place")
            done = run(words(hello, kind), small / "place")
            assert (done.returncode, state(small / "place")) in ((7, old), (0, new)), (size, done.stderr)
        finally:
            subprocess.run(["umount", small], check=True)


@pytest.mark.parametrize(
    ("kind", "times"),
    [("docker", 1), ("layout", 2), *(pytest.param(kind, 50, marks=pytest.mark.campaign) for kind in KINDS)],
)
def test_two_runs_at_once_leave_one_whole_output(kind: str, times: int, hello: Path, tmp_path: Path) -> None:
    """S20: both succeed, or one says why not."""
    new = finished(kind, hello, tmp_path / "finished")
    for _ in range(times):
        place = tmp_path / "place"
        old_output(kind, place)
        env = {**os.environ, "PYTHONPATH": str(HOME)}
        both = [subprocess.Popen(words(hello, kind), cwd=place, env=env, stderr=subprocess.PIPE) for _ in range(2)]
        said = [one.communicate()[1] for one in both]
        assert sorted(one.returncode for one in both) in ([0, 0], [0, 7]), said
        assert state(place) == new
        shutil.rmtree(place)


@pytest.mark.parametrize("kind", ["local", "layout"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_old_tree_is_removed_leaves_no_litter(
    kind: str, number: signal.Signals, hello: Path, tmp_path: Path
) -> None:
    """S18: the new tree has taken its place by then, and the run ends as the signal says."""
    place = tmp_path / "place"
    old_output(kind, place)
    for directory in range(4):
        (place / f"out/old/{directory}").mkdir()
        for name in range(100):
            (place / f"out/old/{directory}/{name}").touch()
    rule = f"inject=rmdir,unlinkat:signal={number.name}:when=120"
    done = run(strace(rule, words(hello, kind), tmp_path / "log"), place)
    assert done.returncode == 128 + number, done.stderr
    assert os.listdir(place) == ["out"]
    assert not (place / "out/old").exists()


def test_an_old_tree_of_any_depth_and_mode_is_removed(hello: Path, tmp_path: Path) -> None:
    """S5, S17: deeper than a path can be, and directories that nobody may write to."""
    place = tmp_path / "place"
    (place / "out").mkdir(parents=True)
    home = os.open(place / "out", os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("deep", dir_fd=home)
        below = os.open("deep", os.O_RDONLY, dir_fd=home)
        os.close(home)
        home = below
    os.close(home)
    (place / "out/sealed").mkdir()
    (place / "out/sealed/file").touch()
    (place / "out/sealed").chmod(0o555)
    done = run(words(hello, "local"), place)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(os.listdir(place)) == ["out"]
    assert os.listdir(place / "out") == ["hello"]
