"""Bad input: the right exit status, a message that says what to do, no output, no traceback, no waiting (S3, S5, S6)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.build import HELLO_C, cc, shared
from tests.support.cli import HOME, scratchpack

CASES = {
    "text": (3, "without a #! line"),
    "empty": (3, "empty"),
    "directory": (3, "a directory"),
    "fifo": (3, "FIFO"),
    "device": (3, "device"),
    "socket": (3, "socket"),
    "truncated": (3, "cannot"),
    "object": (3, "object file"),
    "core": (3, "core"),
    "library": (3, "--entrypoint"),
    "missing": (2, "no such file"),
    "zip": (3, "zip"),
    "windows": (3, "GOOS=linux"),
}


def _make(kind: str, directory: Path) -> Path:
    path = directory / kind
    whole = directory / "whole"
    match kind:
        case "text":
            path.write_text("hello\n")
        case "empty":
            path.touch()
        case "directory":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "device":
            return Path("/dev/null")
        case "socket":
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(path))
        case "truncated":
            path.write_bytes(cc(whole, HELLO_C).read_bytes()[:400])
            whole.unlink()
        case "object":
            cc(path, HELLO_C, "-c")
        case "core":
            header = bytearray(cc(whole, HELLO_C).read_bytes()[:4096])
            header[16:18] = (4).to_bytes(2, "little")  # ET_CORE
            path.write_bytes(header)
            whole.unlink()
        case "library":
            shared(path)
        case "zip":
            path.write_bytes(b"PK\x03\x04" + bytes(100))
        case "windows":
            path.write_bytes(b"MZ" + bytes(100))
    return path


@pytest.mark.parametrize("kind", CASES)
def test_what_is_no_program_is_refused_with_a_reason(kind: str, tmp_path: Path) -> None:
    status, message = CASES[kind]
    path = _make(kind, tmp_path)
    before = set(tmp_path.iterdir())
    done = scratchpack(path, cwd=tmp_path, timeout=20)  # it waits for nothing: a FIFO would hold it for ever
    assert (done.status, done.out) == (status, ""), done.err
    assert message in done.err
    assert "Traceback" not in done.err
    assert set(tmp_path.iterdir()) == before


def test_a_file_one_may_not_read_says_so(tmp_path: Path) -> None:
    path = cc(tmp_path / "hello", HELLO_C, "-static")
    path.chmod(0)
    for directory in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        directory.chmod(directory.stat().st_mode | 0o055)
    code = (  # the interpreter's own files may be closed to nobody: everything is imported before
        "import contextlib, os, sys\nfrom scratchpack.cli import main\n"
        "with contextlib.suppress(SystemExit):\n    main(['--dry-run', '-q', sys.argv[2]])\n"
        "os.getuid() or (os.setgid(65534), os.setuid(65534))\nmain([sys.argv[1]])"
    )
    other = tmp_path / "other"
    other.write_text("text")
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(other)],
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "permission denied" in done.stderr.lower()


@pytest.mark.parametrize("kind", ["a program", "a script"])
def test_a_first_line_does_not_publish_what_its_owner_keeps_from_others(kind: str, tmp_path: Path) -> None:
    """A stranger's script names a private file as its interpreter, and an image would give it to everybody."""
    private, script = tmp_path / "private", tmp_path / "script"
    private.write_bytes(Path("/bin/true").read_bytes() if kind == "a program" else b"#!/bin/sh\n# a password\n")
    private.chmod(0o700)
    script.write_text(f"#!{private}\n")
    script.chmod(0o755)
    done = scratchpack(script, "-o", f"type=tar,dest={tmp_path / 'o.tar'}")
    assert done.status == 3
    assert f"{private}, which its #! line starts, is a file that others may not read" in done.err
    private.chmod(0o755)
    assert scratchpack(script, "-o", f"type=tar,dest={tmp_path / 'o.tar'}").status == 0


def test_an_existing_output_survives_a_failed_run(tmp_path: Path) -> None:
    """S17."""
    (tmp_path / "bad").write_text("text")
    (tmp_path / "bad.tar").write_text("the old image")
    assert scratchpack("./bad", cwd=tmp_path).status == 3
    assert (tmp_path / "bad.tar").read_text() == "the old image"


def test_every_unresolved_library_is_listed_with_all_the_places_looked_at(tmp_path: Path) -> None:
    libs = [shared(tmp_path / f"libgone{n}.so", f"int gone{n};") for n in (1, 2)]
    program = cc(tmp_path / "app", HELLO_C, "-Wl,--no-as-needed", *map(str, libs), "-Wl,-rpath,/opt/nowhere")
    for lib in libs:
        lib.unlink()
    done = scratchpack(program, cwd=tmp_path)
    assert (done.status, done.out) == (4, "")
    for name in ("libgone1.so", "libgone2.so"):
        assert f"{name}: not found" in done.err
        assert f"/opt/nowhere/{name}" in done.err
        assert f"/lib/x86_64-linux-gnu/{name}" in done.err
    assert not (tmp_path / "app.tar").exists()


def test_an_unknown_option_is_a_usage_error() -> None:
    done = scratchpack("pack", "--no-such-option", "x")
    assert done.status == 2
    assert "no-such-option" in done.err


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_no_file_and_its_own_status(
    sent: signal.Signals, status: int, tmp_path: Path
) -> None:
    cc(tmp_path / "big", HELLO_C, "-static")
    with (tmp_path / "big").open("ab") as stream:
        stream.truncate(4 << 30)
    process = subprocess.Popen(
        [sys.executable, "-m", "scratchpack", "./big"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not any(name.endswith("scratchpack-tmp") for name in os.listdir(tmp_path)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(sent)
    process.communicate(timeout=30)
    assert process.returncode == status
    assert os.listdir(tmp_path) == ["big"]


def test_a_library_that_others_may_not_read_is_not_published_without_a_word(tmp_path: Path) -> None:
    """The loader takes it, so it travels; from beside the program it is the build's umask and needs no word."""
    near, far = tmp_path / "near", tmp_path / "far"
    for directory, name in ((near, "libnear.so"), (far, "libfar.so")):
        shared(directory / name).chmod(0o600)
    paths = (near / "libnear.so", far / "libfar.so")
    app = cc(
        near / "app", "int main(void) { return 0; }", "-Wl,--no-as-needed", *map(str, paths), f"-Wl,-rpath,{near}:{far}"
    )
    done = scratchpack(app, "-o", f"type=local,dest={tmp_path / 'out'}")
    assert done.status == 0, done.err
    assert f"{far}/libfar.so: others may not read it here" in done.err
    assert "libnear.so: others" not in done.err
