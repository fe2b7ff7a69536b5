"""S1: nothing of the input is executed or mapped, whatever the command: each program that a run starts is seen by strace.

The bait is in everything that a careless tool starts: an auditor that the program names, a library's constructor, the settings of a
git repository, modules that scripts load, a module that a configuration names. Whoever starts any of it leaves a file.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import tools
from tests.support.build import cc, shared
from tests.support.cli import HOME
from tests.support.fake_registry import FakeRegistry

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Docker

BAIT = """#include <stdio.h>
static void spring(void) { FILE *f = fopen("%s", "w"); if (f) fclose(f); }
__attribute__((constructor)) static void loaded(void) { spring(); }
unsigned int la_version(unsigned int v) { spring(); return v; }
int called(void) { return 0; }
"""
SCRIPTS = {  # a script and what it loads, each with a line that leaves the file
    "a.sh": "#!/bin/sh\ntouch {sprung}\n. ./b.sh\n",
    "b.sh": "touch {sprung}\n",
    "a.py": "#!/usr/bin/python3\nimport b\nopen('{sprung}', 'w')\n",
    "b.py": "open('{sprung}', 'w')\n",
    "sitecustomize.py": "open('{sprung}', 'w')\n",
    "a.pl": "#!/usr/bin/perl\nuse lib '.'; use B1; BEGIN {{ open F, '>{sprung}' }}\n",
    "B1.pm": "package B1; BEGIN {{ open F, '>{sprung}' }} 1;\n",
    "a.js": "#!/usr/bin/node\nrequire('./b.js')\n",
    "b.js": "require('fs').writeFileSync('{sprung}', '')\n",
}


class Place:
    """A repository of a stranger, with a program, scripts and settings that are all bait."""

    def __init__(self, home: Path) -> None:
        self.work, self.sprung, self.log = home / "work", home / "sprung", home / "log"
        self.work.mkdir()
        bait = shared(self.work / "bait.so", BAIT % self.sprung)
        self.program = cc(
            self.work / "app", "int called(void);\nint main(void) { return called(); }\n", f"-Wl,--audit={bait}",
            f"-Wl,--depaudit={bait}", f"-Wl,-rpath,{self.work}", str(bait),
        )  # fmt: skip
        for name, text in SCRIPTS.items():
            (self.work / name).write_text(text.format(sprung=self.sprung))
            (self.work / name).chmod(0o755)
        (self.work / "server.conf").write_text(f"load_module {bait};\nLoadModule x {bait}\nplugin-load={bait}\n")
        (self.work / "Makefile").write_text(f"X := $(shell touch {self.sprung})\nall:\n\ttouch {self.sprung}\n")
        (self.work / "setup.py").write_text(SCRIPTS["b.py"].format(sprung=self.sprung))
        (self.work / "go.mod").write_text("module example.org/x\n\ngo 1.22\n")
        self._repository(bait)

    def _repository(self, bait: Path) -> None:
        started = self.work / "hook"
        started.write_text(f"#!/bin/sh\ntouch {self.sprung}\n")
        started.chmod(0o755)
        git = [tools.need("git", package="git"), "-c", "user.name=x", "-c", "user.email=x@example.org"]
        for words in (("init", "-q"), ("add", "a.py"), ("commit", "-qm", "x")):
            subprocess.run([*git, *words], cwd=self.work, check=True, capture_output=True)
        (self.work / ".gitattributes").write_text("* filter=evil diff=evil\n")
        for name in ("filter.evil.clean", "filter.evil.process", "core.fsmonitor", "diff.external", "core.pager"):
            subprocess.run([*git, "config", name, str(started)], cwd=self.work, check=True)
        os.utime(self.work / "a.py", (1, 1))  # git has to look at it, and would filter it
        assert bait.exists()

    def run(self, *words: str | Path, env: dict[str, str] | None = None) -> str:
        """One command under strace; what it started is held against the short list of what it may."""
        strace = tools.need("strace", package="strace")
        done = subprocess.run(
            [strace, "-f", "-qq", "-y", "--seccomp-bpf", "-e", "trace=execve,execveat,mmap", "-o", self.log,
             sys.executable, "-m", "scratchpack", *words],
            cwd=self.work, env={**os.environ, "PYTHONPATH": str(HOME), **(env or {})},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        calls = self.log.read_text()
        begun = "\n".join(line for line in calls.splitlines() if "= -1 " not in line)  # a name is tried in all of PATH
        started = set(re.findall(r'execve(?:at)?\((?:AT_FDCWD, )?"([^"]+)"', begun))
        assert started <= {sys.executable, shutil.which("git")}, (words, started)
        mapped = [line for line in calls.splitlines() if str(self.work) in line and "PROT_EXEC" in line]
        assert mapped == [], words
        assert not self.sprung.exists(), words
        assert done.returncode in (0, 4, 6), (words, done.stderr)  # looked at to the end, whatever was found
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("bait"))


def test_the_bait_is_good(place: Place) -> None:
    """Whoever starts the program, or a script, finds the file there."""
    for words in (["/usr/bin/env", str(place.program)], ["/bin/sh", "a.sh"], [sys.executable, "a.py"], ["make"]):
        subprocess.run(words, cwd=place.work, check=False, capture_output=True)
        assert place.sprung.exists(), words
        place.sprung.unlink()


def test_looking_at_a_program_starts_nothing_of_it(place: Place) -> None:
    """S1: inspect, with every view of it, and verify."""
    assert "bait.so" in place.run("inspect", "./app")
    place.run("inspect", "--why", f"{place.work}/bait.so", "./app")
    place.run("verify", "./app")


def test_packing_a_program_starts_nothing_of_it(place: Place) -> None:
    """S1: an archive with a bill of materials and git's annotations, a Dockerfile, configuration beside it, and what judges the result."""
    image = ("-o", "type=oci,dest=../image.tar")
    place.run("pack", "./app", *image, "--sbom", "spdx", "--annotate", "git", "--strip", "--package-db")
    place.run("verify", "../image.tar")
    place.run("analyze", "../image.tar")
    place.run("dockerfile", "./app", "-o", "type=dockerfile,dest=../context")
    place.run("pack", "./app", *image, "--include", "server.conf:/etc/server.conf", "--cmd", '["/etc/server.conf"]')


def test_pushing_and_loading_an_image_starts_nothing_of_it(place: Place, docker: Docker) -> None:
    """S1: to a registry on loopback, and into an engine."""
    env = {"DOCKER_CONFIG": str(place.work / "none"), "DOCKER_HOST": docker.host}
    with FakeRegistry() as registry:
        place.run("pack", "./app", "-t", f"{registry.host}/team/app:1", "--push", "--sbom", "spdx", env=env)
        assert registry.manifests
    place.run("pack", "./app", "-t", "nothing-runs:1", "--load=docker", env=env)


@pytest.mark.parametrize("name", ["a.sh", "a.py", "a.pl", "a.js"])
def test_reading_a_script_starts_nothing_of_it(name: str, place: Place) -> None:
    """S1: neither the script nor what it loads, and not its interpreter."""
    interpreter = SCRIPTS[name].partition("\n")[0].removeprefix("#!")
    tools.need(interpreter, package=interpreter.rpartition("/")[2])
    place.run("inspect", f"./{name}")
    if name == "a.sh":  # the others bring their interpreter's whole library
        place.run("pack", f"./{name}", "-o", "type=tar,dest=../script.tar")


def test_looking_at_a_repository_starts_nothing_of_it(place: Place) -> None:
    """S1: init reads build files, and runs none."""
    place.run("init", "--dry-run", "--language", "go")
    place.run("init", "--yes", "--language", "go")
