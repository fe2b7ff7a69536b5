"""Somebody else's need: the example package installed and run, and whatever a plug-in does wrong named with its distribution."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.support.cli import HOME, scratchpack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import Run

DATABASE = "/usr/share/GeoIP/Country.mmdb"
LOCATE = f'#include <stdio.h>\nint main(void) {{ return !fopen("{DATABASE}", "r"); }}\n'
GOOD = """from scratchpack.needs.base import Contribution, Evidence, Wants
class Need:
    protocol, name, summary, adds, wants = 1, "theirs", "nothing", "a", Wants(fragments=("hello",))
    def detect(self, subject): return (Evidence("theirs", "a", "string hello"),)
    def provide(self, root, evidence, options, subject): return Contribution()
"""
# one line put after the good text, and what the message says of it
FAULTS = {
    "import": (
        "import nowhere_at_all",
        "importing it fails with ModuleNotFoundError: No module named 'nowhere_at_all'",
    ),
    "exit": ("raise SystemExit(0)", "importing it fails with SystemExit: 0"),
    "older": ("Need.protocol = 0", "it is written for protocol 0, this scratchpack has 1"),
    "silent": ("del Need.protocol", "it is written for protocol None, this scratchpack has 1"),
    "name": ("Need.name = 7", "its name is 7, not a text"),
    "taken": ("Need.name = 'timezone'", "there is a need 'timezone' already"),
    "tiers": ("Need.adds = 'z'", "it adds itself for the tiers 'z' of abc"),
    "letters": ("Need.wants = Wants(symbols='open')", "not a scratchpack.needs.base.Wants of tuples"),
    "nothing": ("Need.wants = None", "its wants are None"),
    "no-detect": ("Need.detect = None", "it has no function detect"),
    "detect": ("Need.detect = lambda self, subject: 1 / 0", "detect fails with ZeroDivisionError: division by zero"),
    "detects-text": ("Need.detect = lambda self, subject: ('x',)", "detect gives 'x', no Evidence for theirs"),
    "detects-none": ("Need.detect = lambda self, subject: None", "detect fails with TypeError"),
    "provide": ("Need.provide = lambda *all: {}['x']", "provide fails with KeyError: 'x'"),
    "provides-list": ("Need.provide = lambda *all: []", "provide gives [], no Contribution"),
    "provides-path": ("Need.provide = lambda *all: Contribution(('/etc/x',))", "provide gives '/etc/x' in its"),
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the example package, as pip puts it there."""
    home = tmp_path_factory.mktemp("plugin")
    words = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--target"]
    build.run([sys.executable, "-m", "pip", "install", *words, home, HOME / "sample_apps/plugin_need"])
    return home


def _root(base: Path, *flags: str) -> Path:
    root = base / "root"
    (root / "usr/share/GeoIP").mkdir(parents=True)
    (root / DATABASE[1:]).write_bytes(b"\xab\xcd\xefMaxMind.com")
    build.cc(root / "locate", LOCATE, *flags)
    return root


def _with(place: Path, *words: str | Path, cwd: Path) -> Run:
    return scratchpack(*words, cwd=cwd, env={"PYTHONPATH": f"{HOME}:{place}"})


def test_the_example_package_joins_the_needs_of_a_static_program(installed: Path, tmp_path: Path) -> None:
    root = _root(tmp_path, "-static")

    seen = _with(installed, "inspect", "/locate", "--root", root, "--json", cwd=tmp_path)
    packed = _with(installed, "pack", "/locate", "--root", root, "-o", "type=local,dest=tree", cwd=tmp_path)

    (need,) = [need for need in json.loads(seen.out)["needs"] if need["name"] == "geoip"]
    assert (need["decision"], need["tier"]) == ("added", "a")
    assert packed.status == 0, packed.err
    assert (tmp_path / "tree" / DATABASE[1:]).read_bytes() == b"\xab\xcd\xefMaxMind.com"


def test_what_it_needs_and_the_root_lacks_is_refused_like_any_need(installed: Path, tmp_path: Path) -> None:
    root = _root(tmp_path, "-static")
    (root / DATABASE[1:]).unlink()

    packed = _with(installed, "pack", "/locate", "--root", root, "-o", "type=local,dest=tree", cwd=tmp_path)
    never = _with(
        installed, "pack", "/locate", "--root", root, "--need", "geoip=never", "-o", "type=local,dest=t", cwd=tmp_path
    )

    assert packed.status == 5
    assert f"geoip: there is no {DATABASE}" in packed.err
    assert never.status == 0, never.err


@pytest.mark.parametrize("fault", FAULTS)
def test_a_plug_in_that_fails_is_named_with_its_distribution(fault: str, tmp_path: Path) -> None:
    line, said = FAULTS[fault]
    site = tmp_path / "site"
    (site / "theirs-2.5.dist-info").mkdir(parents=True)
    (site / "theirs-2.5.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 2.5\n")
    (site / "theirs-2.5.dist-info/entry_points.txt").write_text("[scratchpack.needs]\nx = theirs_need:NEED\n")
    (site / "theirs_need.py").write_text(f"{GOOD}{line}\nNEED = Need()\n")
    build.cc(tmp_path / "hello", '#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n', "-static")

    done = _with(site, "pack", "./hello", "-o", "type=local,dest=tree", cwd=tmp_path)

    assert done.status == 2, done.err
    assert "cannot use the plug-in theirs 2.5 (x = theirs_need:NEED): " in done.err
    assert said in done.err
    assert "fault of scratchpack" not in done.err
    assert not (tmp_path / "tree").exists()


def test_no_metadata_is_read_where_nobody_names_the_group() -> None:
    ask = (
        "import sys; from scratchpack.needs.plugin import plugins_found;"
        "print(dict(plugins_found()), 'importlib.metadata' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", ask], cwd=HOME, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["{}", "False"]
