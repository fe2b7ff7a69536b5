"""A guest that wants out stays in, as root's guest and as an ordinary user's (S1; the limits of a run hold)."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.unit.sandbox import programs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.guests import Host

# One after the other: bombs are looked for among all processes of the machine, and the limit on processes is a user's.
pytestmark = pytest.mark.xdist_group("sandbox")

MIB = 1 << 20


@pytest.fixture(scope="module")
def image(host: Host) -> Path:
    root = host.home / "hostile"
    for name in ("show", "write", "escape", "fork_bomb", "crowd", "threads", "hog"):
        build.cc(root / name, getattr(programs, name.upper()), "-static", "-pthread")
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    return host.own(root)


@pytest.fixture
def victim(host: Host) -> Iterator[Path]:
    """A directory of the host that anybody could write to."""
    place = host.home / "victim"
    place.mkdir()
    place.chmod(0o777)
    (place / "secret").write_text("secret")
    (place / "secret").chmod(0o666)
    yield place
    shutil.rmtree(place)


@pytest.mark.parametrize("uid", [0, 65532])
def test_no_way_out_is_open(host: Host, image: Path, victim: Path, uid: int) -> None:
    null = os.stat("/dev/null")
    abstract = f"sp-abstract-{os.getpid()}"
    with closing(socket.socket(socket.AF_UNIX)) as local, closing(socket.socket()) as port:
        local.bind("\0" + abstract)
        local.listen()
        port.bind(("127.0.0.1", 0))
        port.listen()
        words = (str(victim / "secret"), abstract, str(os.getpid()), str(port.getsockname()[1]))
        told = host.run(image, "/escape", *words, uid=uid, gid=uid, scratch=["/tmp"])
    assert (told.status, told.out, told.err) == (0, "tried\n", ""), told
    after = os.stat("/dev/null")
    assert (after.st_mode, after.st_uid) == (null.st_mode, null.st_uid)
    assert (victim / "secret").read_text() == "secret"
    assert stat.S_IMODE((image / "escape").stat().st_mode) == 0o755


def test_more_processes_than_the_limit_end_what_root_runs(host: Host, image: Path) -> None:
    """RLIMIT_NPROC does not hold root, so the watch counts; an ordinary user's forks fail, and the run goes on."""
    seconds, reason = (30, "processes") if host.who == "root" else (1, "time")
    told = host.run(image, "/crowd", uid=0, gid=0, limits={"processes": 60, "seconds": seconds})
    assert told.reason == reason


@pytest.mark.parametrize(
    ("uid", "program"),
    [
        (0, "threads"),
        (65532, "threads"),
        (65532, "fork_bomb"),
        # thousands of processes at once, which starve every other test of the machine for a minute
        pytest.param(0, "fork_bomb", marks=pytest.mark.campaign),
    ],
)
def test_a_fork_bomb_ends_at_its_limit_or_its_time(host: Host, image: Path, program: str, uid: int) -> None:
    told = host.run(image, f"/{program}", uid=uid, gid=uid, limits={"processes": 60, "seconds": 1})
    assert told.reason in {"processes", "time"}
    for _ in range(100):  # all are killed with their first process; the kernel takes a moment to bury thousands
        running = subprocess.run(["ps", "-eo", "comm="], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        if program not in running:
            break
        time.sleep(0.1)
    assert program not in running


@pytest.mark.parametrize(("how", "ends"), [("0", 9), ("1", -9), ("2", -9)])
def test_memory_is_bounded_for_one_process_for_all_and_for_what_they_share(
    host: Host, image: Path, how: str, ends: int
) -> None:
    told = host.run(image, "/hog", how, limits={"memory": 128 * MIB})
    assert told.status == ends, told
    assert told.reason == ("exited" if ends == 9 else "memory")
    assert ("Cannot allocate memory" in told.err) == (ends == 9)


@pytest.mark.parametrize("how", ["3", "4"])
def test_a_full_disk_is_the_guests_and_not_the_machines(host: Host, image: Path, how: str) -> None:
    told = host.run(image, "/hog", how, writable=True, uid=0, gid=0, limits={"disk": 16 * MIB})
    assert (told.status, told.err) == (9, "write: No space left on device\n")


def test_output_is_bounded(host: Host, image: Path) -> None:
    words = ["/show", *["/proc/self/status"] * 400]
    told = host.run(image, *words, limits={"output": 4096})
    assert (told.reason, len(told.out)) == ("output", 4096)


@pytest.mark.parametrize("name", ["proc", "dev", "sys"])
def test_a_link_where_the_sandbox_mounts_is_refused(host: Host, image: Path, victim: Path, name: str) -> None:
    (image / name).symlink_to(victim)
    try:
        told = host.run(image, "/show")
    finally:
        (image / name).unlink()
    assert f"/{name}: is a symbolic link in the image" in told.error
    assert os.listdir(victim) == ["secret"]


def test_a_link_for_etc_leads_into_the_image_only(host: Host, image: Path, victim: Path) -> None:
    (image / "etc").symlink_to(f"../../../../..{victim}")
    try:
        told = host.run(image, "/show", "/etc/hosts")
    finally:
        (image / "etc").unlink()
    assert "localhost" in told.out or told.error
    assert os.listdir(victim) == ["secret"]


def test_links_that_change_while_the_sandbox_is_built_change_nothing_outside(
    host: Host, image: Path, victim: Path
) -> None:
    """Directories become links to the host's and back, all the time, while guests start."""
    names, done = ("etc", "dev", "proc", "sys", "work"), threading.Event()

    def swap() -> None:
        while not done.is_set():
            for name in names:
                (image / f"{name}.new").symlink_to(victim)
                os.replace(image / f"{name}.new", image / name)
                os.unlink(image / name)
                os.mkdir(image / name)
                os.rmdir(image / name)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for _ in range(5):
            host.run(
                image, "/write", "/etc/new", "/work/new", "/dev/new", cwd="/work", scratch=["/work"], writable=True
            )
    finally:
        done.set()
        swapping.join()
    assert os.listdir(victim) == ["secret"]
    assert (victim / "secret").read_text() == "secret"
