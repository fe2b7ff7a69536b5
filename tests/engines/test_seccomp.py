"""A profile of a run's system calls: the program runs under it in docker and podman, and a call outside it is refused (W35)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Docker, Podman

PROGRAM = r"""
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
int main(int argc, char **argv) {
    struct utsname name;
    uname(&name);
    puts(name.sysname);
    if (argc > 1) puts(mkdir("/tmp", 0700) && errno == EPERM ? "refused" : strerror(errno));
    return 0;
}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of a dynamic program, and the profile of a run without words."""
    home = tmp_path_factory.mktemp("seccomp")
    build.cc(home / "app", PROGRAM)
    done = scratchpack("./app", "--trace", "--seccomp", "app.json", "-t", "example.org/profiled:1", cwd=home)
    assert done.status == 0, done.err
    return home


def test_the_profile_names_the_calls_of_the_run_and_refuses_all_others(home: Path) -> None:
    profile = json.loads((home / "app.json").read_text())
    [allowed] = profile["syscalls"]
    assert (profile["defaultAction"], profile["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", 1)
    assert "uname" in allowed["names"]
    assert not {"mkdir", "mount", "ptrace", "bpf", "unshare"} & set(allowed["names"])
    assert allowed["names"] == sorted(set(allowed["names"]))


def _refuses(engine: Docker | Podman, home: Path) -> None:
    engine.load(home / "app.tar")
    name, under = "example.org/profiled:1", ("--security-opt", f"seccomp={home / 'app.json'}")
    try:
        assert engine.run_image(name, options=under).out == "Linux\n"
        assert engine.run_image(name, "mkdir", options=under).out == "Linux\nrefused\n"
        assert engine.run_image(name, "mkdir").out != "Linux\nrefused\n"
    finally:
        engine("image", "rm", "-f", name, check=False)


def test_docker_runs_it_under_the_profile(docker: Docker, home: Path) -> None:
    _refuses(docker, home)


def test_podman_runs_it_under_the_profile(podman: Podman, home: Path) -> None:
    _refuses(podman, home)
