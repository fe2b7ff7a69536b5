"""What the short path loads, with options and without: a static binary is packed without click, lief, jinja2, rich or the installed packages' metadata."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.support.cli import HOME

if TYPE_CHECKING:
    from pathlib import Path

# Runs the command line in this very process, then says which modules are there.
_PROBE = """
import json, sys
from scratchpack.cli import main
sys.argv = ["scratchpack", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    status = end.code or 0
else:
    status = 0
print(json.dumps([status, sorted(sys.modules)]), file=sys.stderr)
"""

HEAVY = (
    "click",
    "dataclasses",
    "inspect",
    "datetime",
    "lief",
    "elftools",
    "jinja2",
    "rich",
    "importlib.metadata",
    "urllib3",
    "zstandard",
    "platformdirs",
    "tarfile",
    "zipfile",
    "tempfile",
    "ast",
    "difflib",
    "fnmatch",
    "scratchpack.pipeline.configuration",
    "gettext",
    "ipaddress",
    "shlex",
    "urllib.parse",
    "uuid",
    "random",
    "logging",
    "scratchpack.oci.source",
    "scratchpack.report.json",
    "scratchpack.loader.glibc",
)


MODULES = 106  # of ours; the settings alone are six

LINES = (
    ("./hello",),
    ("-t", "x", "-q", "-o", "type=docker,dest=hello.tar", "--user=0", "./hello"),
)


@pytest.fixture(scope="module", params=LINES, ids=("without options", "with options"))
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The modules that were imported by the end of `scratchpack ./hello`."""
    home = tmp_path_factory.mktemp("short-path")
    build.cc(home / "hello", build.HELLO_C, "-static", "-s")
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, *request.param],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        check=True,
    )
    status, modules = json.loads(done.stderr.splitlines()[-1])
    assert status == 0, done.stderr
    assert (home / "hello.tar").is_file()
    return frozenset(modules)


@pytest.mark.parametrize("name", HEAVY)
def test_packing_a_static_binary_does_not_import(name: str, loaded: frozenset[str]) -> None:
    assert name not in loaded


def test_the_short_path_does_not_grow_unnoticed(loaded: frozenset[str]) -> None:
    # each module costs 0.3 ms; a new one that every run needs may raise this, in the commit that adds it
    assert len([name for name in loaded if name.startswith("scratchpack")]) <= MODULES


def test_the_probe_sees_what_is_imported(loaded: frozenset[str]) -> None:
    assert {"scratchpack.cli", "scratchpack.pipeline.pack", "scratchpack.sinks.archive"} <= loaded


def test_the_package_itself_imports_nothing_of_ours_until_asked(tmp_path: Path) -> None:
    words = "import sys, scratchpack; print([name for name in sys.modules if name.startswith('scratchpack.')])"
    done = subprocess.run(
        [sys.executable, "-c", words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() in ("[]", "['scratchpack._version']")
