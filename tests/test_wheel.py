"""The wheel as a stranger gets it: built, installed into a fresh environment, used from `/`."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib.metadata import Distribution, distribution, distributions
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from scratchpack import sbom
from scratchpack.scaffold.parts import PartWishes, part
from tests.support import build, tools
from tests.support.cli import HOME

if TYPE_CHECKING:
    from pathlib import Path

VERSION = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]["version"]


pytestmark = pytest.mark.xdist_group("wheel")  # it is built and installed once


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by pip with the build backend in isolation; a machine that cannot fetch the backend says so."""
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-deps", "-w", out, HOME],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 and "hatchling" in done.stderr:
        tools.missing(f"the build backend cannot be fetched: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
    (made,) = out.glob("scratchpack-*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin directory of an environment that holds the wheel and what a plain install brings with it, and no extra."""
    home = tmp_path_factory.mktemp("fresh") / "env"
    venv.create(home, with_pip=False, symlinks=True)
    (site,) = home.glob("lib/python*/site-packages")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            home / "bin/python",
            "install",
            "-q",
            "--no-deps",
            "--no-index",
            wheel,
        ],
        check=True,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    # What we depend on is installed here already and is linked into place: pip's own tests cover fetching it again.
    for dependency in _plain_dependencies(site):
        for top in {file.parts[0] for file in dependency.files or ()} - {"..", "__pycache__"}:
            (site / top).symlink_to(str(dependency.locate_file(top)))
    return home / "bin"


def _plain_dependencies(site: Path) -> list[Distribution]:
    """What pip would install beside the wheel: its requirements without an extra, and theirs."""
    (ours,) = (found for found in distributions(path=[str(site)]) if found.name == "scratchpack")
    wanted, found = list(ours.requires or ()), dict[str, Distribution]()
    while wanted:
        requirement = Requirement(wanted.pop())
        if requirement.name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        found[requirement.name] = distribution(requirement.name)
        wanted += found[requirement.name].requires or ()
    return list(found.values())


def _run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run([str(word) for word in words], cwd="/", env=env, capture_output=True, text=True, check=False)


def test_every_template_renders_from_the_root_directory(installed: Path) -> None:
    """The templates travel in the wheel."""
    listed = _run(installed / "scratchpack", "template", "--list")
    assert listed.returncode == 0, listed.stderr
    names = [line.split()[0] for line in listed.stdout.splitlines() if line.startswith("  ") and line[2] != " "]
    assert {"go", "pyinstaller", "make", "gitlab"} <= set(names)
    for name in set(names) - {"kubernetes", "compose"}:  # these want an image: tests/unit/scaffold/test_deployment.py
        made = _run(installed / "scratchpack", "template", name)
        assert (made.returncode, made.stderr) == (0, "")
        assert made.stdout.startswith("# ")


def test_the_installed_command_knows_its_version_and_its_commands(installed: Path) -> None:
    version = _run(installed / "scratchpack", "--version")
    assert VERSION in version.stdout
    usage = _run(installed / "scratchpack", "--help")
    assert usage.returncode == 0
    assert "inspect" in usage.stdout


def test_the_installed_command_comes_from_the_wheel(installed: Path) -> None:
    words = "import scratchpack; print(scratchpack.__file__)"
    assert _run(installed / "python", "-c", words).stdout.startswith(str(installed.parent))


def test_the_installed_command_packs(installed: Path, tmp_path: Path) -> None:
    binary = build.cc(tmp_path / "hello", build.HELLO_C, "-static")
    packed = _run(installed / "scratchpack", binary, "-o", f"type=docker,dest={tmp_path}/hello.tar")
    assert packed.returncode == 0, packed.stderr
    assert packed.stdout == f"{tmp_path}/hello.tar\n"


def test_a_dynamic_program_is_packed_verified_and_shown(installed: Path, tmp_path: Path) -> None:
    """Nothing beyond the bills needs the extra: this goes through the loader, the needs, the readers and a template."""
    tar = tmp_path / "env.tar"
    for words in (("/usr/bin/env", "-o", f"type=docker,dest={tar}"), ("verify", tar), ("inspect", "/usr/bin/env")):
        done = _run(installed / "scratchpack", *words)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", ["spdx", "cyclonedx"])
def test_a_bill_of_materials_without_its_extra_is_refused_before_anything_is_read(
    installed: Path, kind: str, tmp_path: Path
) -> None:
    out = tmp_path / "out.tar"
    done = _run(installed / "scratchpack", "/nonexistent", "--sbom", kind, "-o", f"type=docker,dest={out}")
    assert done.returncode == 2
    assert "pip install 'scratchpack[sbom]'" in done.stderr
    assert "/nonexistent" not in done.stderr


def test_the_bills_have_what_they_need_in_their_extra() -> None:
    """What ``require`` asks for is what the requirements of the extra install."""
    extra = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]["optional-dependencies"]["sbom"]
    modules = {
        file.parts[0]
        for name in extra
        for file in distribution(Requirement(name).name).files or ()
        if file.suffix == ".py"
    }
    assert set(sbom.LIBRARIES) <= modules
    sbom.require()


def _made(home: Path, path: str) -> None:
    """A repository with the Makefile part, whose image target must find the command that was installed."""
    make = tools.need("make", package="make")
    (home / "scratchpack.mk").write_text(part("make", PartWishes()))
    (home / "Makefile").write_text("BINARY := ./hello\ninclude scratchpack.mk\n")
    build.cc(home / "hello", build.HELLO_C, "-static")
    done = subprocess.run(
        [make, "image"], cwd=home, env={"PATH": path, "HOME": str(home)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (home / "hello.tar").exists()


def test_the_makefile_part_works_with_what_pip_installed(installed: Path, tmp_path: Path) -> None:
    _made(tmp_path, f"{installed}:/usr/bin:/bin")


def test_the_makefile_part_works_with_what_stands_in_the_users_own_directory(installed: Path, tmp_path: Path) -> None:
    """Where pipx, and pip --user, put commands; it need not be in PATH."""
    (tmp_path / ".local/bin").mkdir(parents=True)
    (tmp_path / ".local/bin/scratchpack").symlink_to(installed / "scratchpack")
    _made(tmp_path, "/usr/bin:/bin")


@pytest.mark.campaign
def test_the_makefile_part_works_with_what_pipx_installed(wheel: Path, tmp_path: Path) -> None:
    """No directory of pipx's needs to be in PATH: ~/.local/bin is where it puts commands."""
    pipx = tools.need("pipx", package="pipx")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIPX"))}
    done = subprocess.run(
        [pipx, "install", wheel], env={**env, "HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    _made(tmp_path, "/usr/bin:/bin")


def test_the_wheel_holds_the_package_the_templates_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as content:
        tops = {name.split("/")[0] for name in content.namelist()}
        names = content.namelist()
    assert tops == {"scratchpack", f"scratchpack-{VERSION}.dist-info"}
    assert "scratchpack/py.typed" in names
    assert any(name.startswith("scratchpack/_templates/") for name in names)
    assert f"scratchpack-{VERSION}.dist-info/licenses/LICENSE" in names
