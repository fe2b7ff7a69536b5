"""A guest gets what an engine would give it, its end is reported, and nothing of it stays (S1, W30, W33)."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.unit.sandbox import programs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.guests import Host

pytestmark = pytest.mark.xdist_group("sandbox")  # the limit on processes is a user's, whoever started them

SERVING = """
import sys
from scratchpack.errors import ScratchpackError
from scratchpack.sandbox.ask import request, wait_tcp
from scratchpack.sandbox.model import Guest, GuestLimits
from scratchpack.sandbox.runner import Running
guest = Guest(sys.argv[1], ("/server",), {}, uid=65532, gid=65532, stop_signal=10, limits=GuestLimits(seconds=30))
with Running(guest) as running:
    wait_tcp(running, 80, timeout=10)
    print(request(running, "http://localhost/health?x=1"))
    try:
        wait_tcp(running, 81, timeout=0.2)
    except ScratchpackError as error:
        print(error)
    print(running.stop()[:3])
"""
DYING = """
import sys
from scratchpack.sandbox.model import Guest, GuestLimits
from scratchpack.sandbox.runner import Running
running = Running(Guest(sys.argv[1], ("/orphans", sys.argv[2]), {}, uid=65532, gid=65532))
print("ready", flush=True)
running.wait()
"""


@pytest.fixture(scope="module")
def image(host: Host) -> Path:
    root = host.home / "image"
    for name in ("show", "write", "orphans", "server"):
        build.cc(root / name, getattr(programs, name.upper()), "-static")
    (root / "etc").mkdir()
    (root / "etc/hosts").write_text("the image's own\n")
    (root / "data").mkdir()
    return host.own(root)


def _mounts() -> list[str]:
    with open("/proc/self/mountinfo") as table:  # but for the namespaces of an engine that another test has started
        return [line for line in table if " nsfs " not in line]


def _processes(word: str) -> list[str]:
    found = []
    for pid in os.listdir("/proc"):
        try:
            with open(f"/proc/{pid}/cmdline") as stream:
                words = stream.read().split("\0")
        except OSError:
            continue
        if word in words and words[0] == "/orphans":
            found.append(pid)
    return found


def test_the_program_is_the_images_user_without_any_privilege(host: Host, image: Path) -> None:
    told = host.run(image, "/show", cwd="/data")
    assert (told.status, told.reason, told.err) == (7, "exited", "")
    lines = told.out.splitlines()
    assert lines[0] == "uid 65532 gid 65532 cwd /data"
    capabilities = {line for line in lines if line.startswith("Cap")}
    assert {line.split()[1] for line in capabilities} == {"0" * 16}
    assert len(capabilities) == 5
    assert "NoNewPrivs:\t1" in lines
    assert lines[-1] == "descriptors 3"
    assert told.how == ("root" if host.who == "root" else "one id")
    assert any("ownership was not checked" in note for note in told.notes) == (host.who == "user")


def test_root_of_an_image_may_change_owners_and_users_and_nothing_of_the_machine(host: Host, image: Path) -> None:
    told = host.run(image, "/show", uid=0, gid=0)
    [bounding] = [int(line.split()[1], 16) for line in told.out.splitlines() if line.startswith("CapBnd")]
    assert bounding == (0b10011111011 if host.who == "root" else 0)


def test_the_engines_files_lie_over_the_images(host: Host, image: Path) -> None:
    told = host.run(image, "/show", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", hostname="box")
    assert "/etc/hosts: 127.0.0.1\tlocalhost box\n::1\tlocalhost" in told.out
    assert "/etc/hostname: box\n" in told.out
    assert "no network" in told.out
    assert (image / "etc/hosts").read_text() == "the image's own\n"
    assert sorted(os.listdir(image)) == ["data", "etc", "orphans", "server", "show", "write"]


def test_the_root_is_read_only_unless_asked_and_the_directory_never_changes(host: Host, image: Path) -> None:
    (image / "data").chmod(0o777)
    places = ("/data/new", "/dev/shm/new", "/dev/null", "/dev/full", "/deep/down/new")
    told = host.run(image, "/write", *places, scratch=["/deep/down"], uid=0, gid=0)
    assert told.out.splitlines() == [
        "/data/new: Read-only file system",
        "/dev/shm/new: written",
        "/dev/null: written",
        "/dev/full: No space left on device",
        "/deep/down/new: written",
    ]
    assert host.run(image, "/write", "/data/new", writable=True).out == "/data/new: written\n"
    assert os.listdir(image / "data") == []


def test_a_directory_that_stays_writable_keeps_what_the_image_has_in_it(host: Host, image: Path) -> None:
    (image / "data").chmod(0o777)
    (image / "data/old").write_text("old\n")
    try:
        assert "old" in host.run(image, "/show", "/data/old", scratch=["/data"]).out
        assert host.run(image, "/write", "/data/new", scratch=["/data"]).out == "/data/new: written\n"
    finally:
        (image / "data/old").unlink()


def test_a_scratch_directory_of_an_owner_that_does_not_exist_is_an_empty_one(host: Host) -> None:
    """An ordinary user traces in a root that is not theirs: /tmp must take files all the same (W30)."""
    root = host.home / "foreign"
    build.cc(root / "write", programs.WRITE, "-static")
    (root / "work").mkdir(exist_ok=True)
    if os.geteuid() == 0:
        os.chown(root / "work", 4242, 4242)
    told = host.run(root, "/write", "/work/new", scratch=["/work"], uid=0, gid=0)
    assert told.out == "/work/new: written\n"
    assert any("does not exist in the sandbox" in note for note in told.notes) == (
        host.who == "user" and os.geteuid() == 0
    )


def test_what_the_program_reads_is_what_was_given(host: Host, image: Path) -> None:
    assert "/dev/stdin: from outside" in host.run(image, "/show", "/dev/stdin", given="from outside").out


def test_a_program_that_cannot_start_is_an_error_that_names_it(host: Host, image: Path) -> None:
    assert host.run(image, "/gone").error == "cannot start /gone: No such file or directory"
    assert host.run(image, "gone").error == "cannot start gone: not found in PATH"
    (image / "data/text").write_text("not a program")
    assert host.run(image, "/data/text").error == "cannot start /data/text: Permission denied"
    (image / "data/text").chmod(0o755)
    assert host.run(image, "/data/text").error == "cannot start /data/text: Exec format error"
    (image / "data/text").unlink()


def test_what_it_leaves_behind_ends_with_it(host: Host, image: Path) -> None:
    mark, before = f"mark-{host.who}", _mounts()
    told = host.run(image, "/orphans")
    assert (told.status, told.out) == (0, "left\n")
    assert told.seconds < 5
    told = host.run(image, "/orphans", mark, limits={"seconds": 0.5})
    assert (told.status, told.reason, told.out) == (-9, "time", "left\n")
    assert _processes(mark) == []
    assert _mounts() == before


def test_it_ends_when_its_runner_is_killed(host: Host, image: Path) -> None:
    mark = f"killed-{host.who}"
    running = subprocess.Popen(
        [*host.python, "-c", DYING, str(image), mark], stdout=subprocess.PIPE, env=host.env, cwd="/"
    )
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        end = time.monotonic() + 10
        while len(_processes(mark)) < 6:
            assert time.monotonic() < end
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        while _processes(mark):
            assert time.monotonic() < end, "the guest outlived its runner"
            time.sleep(0.01)
    finally:
        running.kill()
        running.communicate()


def test_a_server_is_started_asked_and_stopped_by_its_signal(host: Host, image: Path) -> None:
    """As docker, any user may listen on port 80; the socket comes out of the sandbox's own network."""
    done = subprocess.run(
        [*host.python, "-c", SERVING, str(image)],
        capture_output=True,
        text=True,
        timeout=60,
        env=host.env,
        cwd="/",
        check=True,
    )
    assert done.stdout.splitlines() == [
        "Answer(status=418, reason='teapot', body=b'GET /health?x=1 HTTP')",
        "cannot reach port 81: nobody listens after 0.2 s",
        "(0, 'stopped', b'signal 10\\n')",
    ]
