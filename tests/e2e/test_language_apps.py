"""The sample app of each language: its line in the README, its Makefile with the part, and what `init` sees in it."""

from __future__ import annotations

import subprocess
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


@pytest.mark.parametrize("name", LANGUAGES)
def test_init_sees_what_an_app_is_written_in(name: str) -> None:
    assert detect(HOME / "sample_apps" / name)[0].language == LANGUAGES[name]
