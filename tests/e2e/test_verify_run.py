"""``verify --run``: an image's own entrypoint in a sandbox, without an engine; what is expected of it holds, or the exit is 6 (W30, W33)."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support import build, guests, tools
from tests.support.cli import scratchpack
from tests.unit.sandbox import programs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("sandbox")  # the limit on processes is a user's, whoever started them

SAY = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) {
    printf("%s from %s at %s as %d\n", argc > 1 ? argv[1] : "nothing", getenv("WHERE"), getenv("HOME"), getuid());
    fputs("complaint\n", stderr);
    if (argc > 2) for (;;) pause();
    return argc - 1;
}
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of a program that says what it is given, and of a server."""
    home = tmp_path_factory.mktemp("run")
    build.cc(home / "say", SAY)
    build.cc(home / "server", programs.SERVER)
    build.cc(home / "reach", programs.REACH)
    for words in (("./say", "--env", "WHERE=image"), ("./server", "--stop-signal", "SIGUSR1"), ("./reach", "-u", "0")):
        done = scratchpack("-q", *words, cwd=home)
        assert done.status == 0, done.err
    if os.geteuid() != 0 and not guests.namespaces_work(guests.Host("user", home, (sys.executable,))):
        tools.missing("the kernel refuses namespaces to this user")
    return home


def test_the_entrypoint_runs_with_its_environment_as_its_user(packed: Path) -> None:
    done = scratchpack("verify", "--run", "--expect-output", "nothing from image at / as 65532", "say.tar", cwd=packed)
    assert done.status == 0, done.out + done.err
    assert done.out.startswith("nothing from image at / as 65532\n")
    assert done.err == "complaint\n"
    assert "run of /say: OK" in done.out
    assert "user 65532:65532, a read-only root, no network" in done.out


def test_words_behind_two_dashes_are_the_programs(packed: Path) -> None:
    done = scratchpack("verify", "--run", "say.tar", "--expect-exit", "1", "--", "--run", cwd=packed)
    assert done.status == 0, done.out + done.err
    assert done.out.startswith("--run from image")


@pytest.mark.parametrize(
    ("options", "words", "why"),
    [
        ((), ("x",), "it ended with status 1, expected was 0"),
        (("--expect-exit", "3"), (), "it ended with status 0, expected was 3"),
        (("--expect-output", "goodbye"), (), "its output does not hold 'goodbye'"),
        (("--timeout", "0.5"), ("x", "forever"), "it was still running after 0.5 s, and was killed"),
        (("--wait-tcp", "80", "--timeout", "5"), (), "cannot reach port 80: the program has ended"),
    ],
)
def test_what_was_not_expected_is_wrong(
    packed: Path, options: tuple[str, ...], words: tuple[str, ...], why: str
) -> None:
    done = scratchpack("verify", "--run", *options, "say.tar", "--", *words, cwd=packed)
    assert (done.status, f"  FAILED: {why}\n" in done.out) == (6, True), done.out + done.err


def test_a_server_is_started_asked_and_stopped(packed: Path) -> None:
    """As under docker any user may listen on port 80."""
    words = ("--wait-tcp", "80", "--expect-output", "signal 10")
    done = scratchpack("verify", "--run", *words, "server.tar", cwd=packed)
    assert done.status == 0, done.out + done.err
    assert "it listened on port 80" in done.out
    done = scratchpack("verify", "--run", *words, "--request", "http://localhost/page", "server.tar", cwd=packed)
    assert (done.status, "FAILED: http://localhost/page answered 418 teapot" in done.out) == (6, True), (
        done.out + done.err
    )


def test_the_document_stays_one_where_the_program_writes(packed: Path) -> None:
    done = scratchpack("verify", "--run", "--json", "say.tar", cwd=packed)
    assert done.status == 0, done.err
    verdicts = json.loads(done.out)["verdicts"]
    assert verdicts[-1]["subject"] == "run of /say"
    assert "nothing from image" in done.err
    assert scratchpack("verify", "--run", "--quiet", "say.tar", cwd=packed)[1:] == ("", "")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("say.tar", "--", "x"), "cannot use 'x' without --run"),
        (("--expect-exit", "0", "say.tar"), "cannot use --expect-exit without --run"),
        (("--run", "--request", "http://example.org/", "say.tar"), "is not a URL of the sandbox itself"),
        (("--run", "--request", "file:///etc/passwd", "say.tar"), "is not a URL of the sandbox itself"),
        (("--run", "--wait-tcp", "0", "say.tar"), "cannot wait for port 0"),
        (("--run", "--timeout", "nan", "say.tar"), "cannot use a timeout"),
        (("--run", "./say"), "cannot run the program ./say"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_runs(packed: Path, words: tuple[str, ...], why: str) -> None:
    done = scratchpack("verify", *words, cwd=packed)
    assert (done.status, done.out) == (2, ""), done
    assert why in done.err


def test_an_image_of_another_machine_is_not_run(tmp_path: Path) -> None:
    build.go(tmp_path / "hello", build.HELLO_GO, GOARCH="arm64")
    assert scratchpack("-q", "./hello", cwd=tmp_path).status == 0
    done = scratchpack("verify", "--run", "hello.tar", cwd=tmp_path)
    assert done.status == 2
    assert "it is for linux/arm64" in done.err


def test_nothing_of_the_image_is_executed_without_run(packed: Path) -> None:
    """S1: strace sees every execve of the command line."""
    strace = tools.need("strace", package="strace")
    for words, runs in ((("verify", "say.tar"), False), (("verify", "--run", "say.tar"), True)):
        log = packed / "log"
        subprocess.run(
            [strace, "-f", "-qq", "-e", "trace=execve", "-o", log, sys.executable, "-m", "scratchpack", *words],
            cwd=packed, check=True, capture_output=True,
        )  # fmt: skip
        assert bool(re.search(r'execve\("/say"', log.read_text())) == runs


def test_the_machines_network_and_a_writable_root_are_there_where_they_are_asked_for(packed: Path) -> None:
    with closing(socket.socket()) as port:
        port.bind(("127.0.0.1", 0))
        port.listen()
        words = ("reach.tar", "--", str(port.getsockname()[1]))
        assert scratchpack("verify", "--run", *words, cwd=packed).out.startswith("not reached\nnot written\n")
        done = scratchpack("verify", "--run", "--network", "--writable", *words, cwd=packed)
    assert done.out.startswith("reached\nwritten\n"), done.out + done.err
    assert "a writable root, the network of this machine" in done.out
