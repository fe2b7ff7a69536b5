"""Outputs never replace the input or each other: names and inodes are compared before anything is written."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.cc(tmp_path_factory.mktemp("collisions") / "app", build.HELLO_C, "-static", "-s")


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    shutil.copy(made, tmp_path / "app")
    os.link(tmp_path / "app", tmp_path / "hard")
    (tmp_path / "soft").symlink_to("app")
    (tmp_path / "dir").mkdir()
    shutil.copy(made, tmp_path / "dir/app")
    (tmp_path / "link").symlink_to("dir")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/file").write_text("x")
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n")
    (tmp_path / "own.toml").write_text("user = 0\n")
    return tmp_path


def _tree(home: Path) -> dict[str, bytes | str]:
    return {
        str(path.relative_to(home)): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else ""
        for path in sorted(home.rglob("*"))
    }


@pytest.mark.parametrize(
    "words",
    [
        "./app -o type=docker,dest=./app",
        "./app -o type=docker,dest=hard",
        "./app -o type=docker,dest=soft",
        "soft -o type=oci,dest=app",
        "./app -o type=tar,dest=dir/../app",
        "dir/app -o type=tar,dest=link/app",
        "./app --iidfile ./app",
        "./app --metadata-file hard",
        "./app -o type=local,dest=.,force=true",
        "dir/app -o type=local,dest=dir,force=true",
        "dir/app -o type=oci,tar=false,dest=dir --force",
        "dockerfile dir/app -d dir --force",
        "dockerfile link/app -d dir --force",
        "./app --include data -o type=docker,dest=data/file",
        "./app --include data/file:/x --iidfile data/file",
        "./app --include data/*:/x/ --iidfile data/file",
        "./app --include data:/x -o type=local,dest=data --force",
        "./app --ca-bundle ca.pem --metadata-file ca.pem",
        "./app --config own.toml --iidfile own.toml",
        "--root . /dir/app -o type=docker,dest=dir/app",
        "--root dir /app -o type=local,dest=dir --force",
        "./app -o type=docker,dest=a -o type=oci,dest=./a",
        "./app -o type=docker,dest=link/a -o type=oci,dest=dir/a",
        "./app -o type=local,dest=out -o type=docker,dest=out/a.tar",
        "./app -o type=docker,dest=out/a.tar -o type=local,dest=out",
        "./app -o type=docker -o type=tar",
        "./app --iidfile x --metadata-file x",
        "./app --iidfile app.tar",
        "./app --locked own.toml --update-lock --iidfile own.toml",
        "./app --sbom spdx --iidfile app.tar.spdx.json",
        "./app --sbom cyclonedx -o type=docker,dest=a -o type=tar,dest=a.cdx.json",
        "dir/app --sbom spdx -o type=docker,dest=- --metadata-file app.spdx.json",
    ],
)
def test_an_output_that_would_replace_an_input_or_an_output_is_refused(home: Path, words: str) -> None:
    before = _tree(home)
    done = scratchpack(*words.split(), cwd=home)
    assert (done.status, done.out) == (2, ""), done.err
    assert "it would replace" in done.err or "to one place" in done.err
    assert _tree(home) == before


def test_two_platforms_bills_are_compared_by_their_own_names(home: Path) -> None:
    build.foreign(home / "arm")
    done = scratchpack("./app", "arm", "--sbom", "spdx", "--iidfile", "app.tar.linux-amd64.spdx.json", cwd=home)
    assert (done.status, "to one place" in done.err) == (2, True), done.err
    assert not (home / "app.tar").exists()


def test_outputs_with_places_of_their_own_are_written(home: Path) -> None:
    words = "./app -o type=docker,dest=a.tar -o type=local,dest=tree -o type=oci,tar=false,dest=layout --iidfile id --metadata-file m"
    for _ in range(2):  # what an earlier run wrote is replaced
        done = scratchpack(*words.split(), "--force", "--sbom", "spdx", cwd=home)
        assert done.status == 0, done.err
