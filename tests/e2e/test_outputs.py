"""Outputs at the command line: old or new, whatever happens (S17, S18, S19); what a pipe, -q and --dry-run get."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.support import build, tools
from tests.support.cli import HOME, scratchpack
from tests.support.tree import names

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static C program."""
    return build.cc(tmp_path_factory.mktemp("outputs") / "hello", build.HELLO_C, "-static")


TYPES = ("type=docker,compression=none,dest=out", "type=oci,compression=none,dest=out", "type=tar,dest=out")


@pytest.mark.parametrize("output", TYPES)
def test_a_full_disk_is_said_and_the_old_output_stands(output: str, hello: Path, tmp_path: Path) -> None:
    """S19, on a filesystem of 300 kB of its own."""
    unshare = tools.need("unshare", package="util-linux")
    small = tmp_path / "small"
    small.mkdir()
    run = shlex.join([sys.executable, "-m", "scratchpack", str(hello), "-o", output])
    done = subprocess.run(
        [
            *(unshare, "--mount", "sh", "-c"),
            f"mount -t tmpfs -o size=300k none . && cd {small} && echo old > out && {run}; echo status $?; cat out; ls -A",
        ],
        cwd=small,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "status" not in done.stdout or "permitted" in done.stderr:
        pytest.skip(f"no mount can be made here: {done.stderr}")
    assert done.stdout == "status 7\nold\nout\n", done.stderr
    assert "No space left" in done.stderr


def test_a_directory_that_may_not_be_written_is_said(hello: Path, tmp_path: Path) -> None:
    unshare = tools.need("unshare", package="util-linux")
    run = shlex.join([sys.executable, "-m", "scratchpack", str(hello)])
    done = subprocess.run(
        [
            *(unshare, "--mount", "sh", "-c"),
            f"mount --bind . . && mount -o remount,bind,ro {tmp_path} && cd {tmp_path} && {run}; echo status $?",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "status" not in done.stdout or "permitted" in done.stderr:
        pytest.skip(f"no mount can be made here: {done.stderr}")
    assert done.stdout == "status 7\n", done.stderr
    assert "Read-only file system" in done.stderr
    assert "hint:" in done.stderr
    assert os.listdir(tmp_path) == []


def test_an_archive_goes_through_a_pipe(hello: Path) -> None:
    words = [sys.executable, "-m", "scratchpack", "-q", str(hello), "-o", "type=docker,dest=-"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(HOME)}) as process:
        listed = subprocess.run(["tar", "-t"], stdin=process.stdout, capture_output=True, text=True, check=True)
    assert process.returncode == 0
    assert "manifest.json" in listed.stdout.splitlines()


def test_every_name_of_standard_output_is_standard_output_and_replaces_nothing(hello: Path, tmp_path: Path) -> None:
    """S17: what stands behind a descriptor is another program's, so it is written to and never renamed over."""
    words = [sys.executable, "-m", "scratchpack", "-q", str(hello)]
    env = {**os.environ, "PYTHONPATH": str(HOME)}
    for name in ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        with (tmp_path / "log").open("wb") as log:
            log.write(b"what came before\n")
            log.flush()
            subprocess.run([*words, "-o", f"type=tar,dest={name}"], stdout=log, env=env, check=True)
        assert (tmp_path / "log").read_bytes().startswith(b"what came before\nhello\0"), name
    with (tmp_path / "third").open("wb") as third:
        at = f"/dev/fd/{third.fileno()}"
        subprocess.run([*words, "-o", f"type=tar,dest={at}"], env=env, check=True, pass_fds=[third.fileno()])
    assert (tmp_path / "third").read_bytes().startswith(b"hello\0")


@pytest.mark.parametrize(
    ("output", "status", "why"),
    [
        ("type=docker,dest=/dev/stderr", 2, "messages go to standard error"),
        ("type=local,dest=/dev/stdout", 2, "a directory cannot go to stdout"),
        ("type=docker,dest=/dev/fd/999", 7, "Bad file descriptor"),
        ("type=docker,dest=socket", 7, "it is neither a file, a pipe nor a character device"),
        ("type=docker,dest=.", 7, "it is a directory"),
        ("type=oci,tar=false,dest=socket", 7, "it is a file"),
    ],
)
def test_what_no_output_can_be_is_refused_with_a_reason(
    output: str, status: int, why: str, hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        done = scratchpack(hello, "-o", output, cwd=tmp_path)
    assert (done.status, why in done.err) == (status, True), done.err
    assert os.listdir(tmp_path) == ["socket"]


def test_two_outputs_on_standard_output_are_refused_by_any_of_its_names(hello: Path, tmp_path: Path) -> None:
    done = scratchpack(hello, "-o", "-", "--metadata-file", "/dev/stdout", cwd=tmp_path)
    assert done.status == 2
    assert "to one place" in done.err


def test_a_pipe_that_nobody_reads_is_an_output_that_was_not_written(hello: Path) -> None:
    words = [sys.executable, "-m", "scratchpack", str(hello), "-o", "type=docker,compression=none,dest=-"]
    env = {**os.environ, "PYTHONPATH": str(HOME)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 7, said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_quiet_says_only_the_path_and_a_dry_run_writes_nothing(hello: Path, tmp_path: Path) -> None:
    done = scratchpack("-q", hello, cwd=tmp_path)
    assert (done.status, done.out, done.err) == (0, "hello.tar\n", "")
    (tmp_path / "hello.tar").unlink()
    dry = scratchpack(hello, "--dry-run", "--iidfile=id", "--metadata-file=meta", cwd=tmp_path)
    assert (dry.status, dry.out) == (0, "")
    assert "/hello" in dry.err
    assert os.listdir(tmp_path) == []


def test_an_id_that_no_output_has_is_refused_before_anything_is_written(hello: Path, tmp_path: Path) -> None:
    done = scratchpack("pack", hello, "-o", "type=local,dest=tree", "--iidfile=id", cwd=tmp_path)
    assert done.status == 2
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("flags", [("-O",), ("-OO",), ("-W", "error", "-X", "dev")])
def test_python_may_be_told_to_optimise_or_to_be_strict(flags: tuple[str, ...], tmp_path: Path) -> None:
    program = build.cc(tmp_path / "tool", build.HELLO_C)
    done = subprocess.run(
        [sys.executable, *flags, "-m", "scratchpack", program, "-q"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_a_killed_run_left_is_gone_after_the_next_one(hello: Path, tmp_path: Path) -> None:
    """S18."""
    big = tmp_path / "big"
    big.write_bytes(hello.read_bytes())
    with big.open("ab") as stream:
        stream.truncate(2 << 30)
    words = [sys.executable, "-m", "scratchpack", "-q", "./big"]
    with subprocess.Popen(words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(HOME)}) as process:
        deadline = time.monotonic() + 30
        while not any(name.endswith("scratchpack-tmp") for name in os.listdir(tmp_path)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert any(name.endswith("scratchpack-tmp") for name in os.listdir(tmp_path))
    assert scratchpack(hello, cwd=tmp_path).status == 0
    assert sorted(os.listdir(tmp_path)) == ["big", "hello.tar"]


def test_settings_come_from_the_working_directory_and_never_from_the_inputs(hello: Path, tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    for directory, name in ((theirs, "evil"), (ours, "mine")):
        directory.mkdir()
        (directory / "scratchpack.toml").write_text(f'tag = ["{name}:1"]\n')
    program = theirs / "tool"
    program.write_bytes(hello.read_bytes())
    done = scratchpack("../theirs/tool", cwd=ours)
    assert done.status == 0, done.err
    assert "mine:1" in done.err
    assert done.err.startswith("settings: ./scratchpack.toml\n")
    bare = tmp_path / "bare"
    bare.mkdir()
    done = scratchpack("../theirs/tool", cwd=bare)
    assert "image localhost/tool:latest" in done.err
    assert "evil" not in done.err
    assert "settings:" not in done.err


def test_inspect_says_everything_and_then_fails_and_why_follows_a_file_to_its_cause(tmp_path: Path) -> None:
    gone = build.shared(tmp_path / "libgone.so", "int gone;\n")
    program = build.cc(tmp_path / "tool", build.HELLO_C, "-Wl,--no-as-needed", str(gone))
    gone.unlink()
    done = scratchpack("inspect", program)
    assert done.status == 4
    assert "libgone.so: not found" in done.out
    assert "In an image:" in done.out
    library = scratchpack("inspect", "/usr/bin/env", "--why", "libc.so.6")
    assert library.status == 0
    assert "libc.so.6, needed by /usr/bin/env" in library.out
    link = scratchpack("inspect", "/usr/bin/env", "--why", "/lib64")
    assert "link on the way to" in link.out
    none = scratchpack("inspect", "/usr/bin/env", "--why", "/etc/none")
    assert (none.status, none.out) == (6, "")
    assert "/etc/none would not be in the image" in none.err


def test_many_files_of_one_reason_are_one_row_and_each_has_its_own_on_request(hello: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for number in range(200):
        (tmp_path / f"data/{number:03}").touch()
    done = scratchpack(hello, "--include=data", "--dry-run", cwd=tmp_path)
    assert done.status == 0
    lines = done.err.splitlines()
    assert [line.split() for line in lines if "data" in line] == [
        ["200", "files", "below", "/data", "--include", "data"]
    ]
    assert any("in 201 files" in line for line in lines)
    every = scratchpack("-v", hello, "--include=data", "--dry-run", cwd=tmp_path)
    assert len([line for line in every.err.splitlines() if " /data/" in line]) == 200


def test_the_command_that_is_shown_can_be_typed(hello: Path, tmp_path: Path) -> None:
    done = scratchpack(hello, "-o", "type=docker,dest=my image.tar", cwd=tmp_path)
    assert "docker load -i 'my image.tar'" in done.err


def test_what_a_program_only_may_open_does_not_make_inspect_fail(tmp_path: Path) -> None:
    """git's companion programs are no libraries: that they cannot be opened as such does not stop git from starting."""
    git = tools.need("git", package="git")
    done = scratchpack("inspect", "--json", git, cwd=tmp_path)
    assert done.status == 0, done.err
    closure = json.loads(done.out)["closure"]
    assert (closure["missing"], [p for p in closure["problems"] if p["severity"] == "error"]) == ([], [])


def test_what_a_need_brings_and_what_would_not_load_is_left_out_and_said(tmp_path: Path) -> None:
    """Found is not enough: a library opened by name whose own library is missing fails here as it would in the image."""
    lower = build.shared(tmp_path / "liblower.so.1", "int lower(void) { return 1; }")
    build.shared(tmp_path / "libupper.so.1", "int lower(void); int upper(void) { return lower(); }", str(lower))
    lower.unlink()
    source = '#include <dlfcn.h>\nint main(void) { return dlopen("libupper.so.1", RTLD_NOW) ? 0 : 1; }\n'
    app = build.cc(tmp_path / "app", source, f"-Wl,-rpath,{tmp_path}")
    done = scratchpack(app, "-o", f"type=local,dest={tmp_path / 'out'}")
    assert done.status == 0, done.err
    line = next(line for line in done.err.splitlines() if "liblower.so.1" in line)
    assert "libupper.so.1" in line
    assert not [name for name in names(tmp_path / "out") if "libupper" in name or "liblower" in name]
