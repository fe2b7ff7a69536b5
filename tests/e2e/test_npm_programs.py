"""N38, N39: programs of GraalVM and of .NET that cannot be compiled here, but that npm carries ready-made."""

from __future__ import annotations

import json
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.support import sandbox, tools
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.campaign

GRAALVM = ("google-closure-compiler-linux@20261015.0.0", "compiler")
DOTNET = ("@microsoft/sarif-multitool-linux@5.7.0", "Sarif.Multitool")
INVARIANT = "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1"
UNPACKS = "DOTNET_BUNDLE_EXTRACT_BASE_DIR=/tmp"  # where a single file puts what it carries; else it wants a home
LOG = {
    "version": "2.1.0",
    "runs": [{"tool": {"driver": {"name": "own"}}, "results": [{"ruleId": "X1", "message": {"text": "found"}}]}],
}


def fetched(package: tuple[str, str], home: Path) -> Path:
    """The program of one npm package, by npm itself."""
    npm = tools.need("npm", package="npm")
    done = subprocess.run([npm, "pack", "--silent", package[0]], cwd=home, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tools.missing(f"npm does not give {package[0]}: {done.stderr[-300:]}")
    (archive,) = home.glob("*.tgz")
    with tarfile.open(archive) as stream:
        stream.extract(f"package/{package[1]}", home, filter="data")
    program = home / "package" / package[1]
    program.chmod(0o755)
    return program


def packed(program: Path, tree: Path, *words: str) -> set[str]:
    run = scratchpack(program, "-q", "-o", f"type=local,dest={tree}", *words)
    assert run.status == 0, run.err
    return {path.name for path in tree.rglob("*")}


def told(program: Path, need: str, *words: str) -> dict[str, object]:
    run = scratchpack("inspect", "--json", program, *words)
    assert run.status == 0, run.err
    found: list[dict[str, object]] = [item for item in json.loads(run.out)["needs"] if item["name"] == need]
    return found[0]


def test_a_native_image_works_alone_and_is_reported(tmp_path: Path) -> None:
    """N38."""
    program = fetched(GRAALVM, tmp_path)

    assert told(program, "graalvm")["decision"] == "suggested"
    packed(program, tmp_path / "tree")
    ran = sandbox.run(
        tmp_path / "tree", "/compiler", "-O", "ADVANCED", given=b"var answer = 6 * 7; console.log(answer);\n"
    )
    assert (ran.status, ran.out) == (0, b"console.log(42);\n")


def test_a_dotnet_program_gets_the_icu_without_which_it_aborts(tmp_path: Path) -> None:
    """N39."""
    program = fetched(DOTNET, tmp_path)
    (tmp_path / "log.sarif").write_text(json.dumps(LOG))

    def ran(tree: str, *env: str) -> sandbox.Outcome:
        (tmp_path / tree / "mnt").mkdir()
        words = ("/Sarif.Multitool", "query", "/mnt/log.sarif", "--expression", "RuleId == 'X1'")
        return sandbox.run(tmp_path / tree, *words, env=(UNPACKS, *env), binds=((tmp_path, "/mnt"),))

    never = ("--need", "dotnet=never", "--need", "dlopen=never")  # some names are whole strings too
    bare = packed(program, tmp_path / "bare", "-e", UNPACKS, *never)
    full = packed(program, tmp_path / "full", "-e", UNPACKS)
    assert not any(name.startswith(("libicu", "libssl")) for name in bare)
    assert any(name.startswith("libicuuc.so") for name in full)
    assert any(name.startswith("libssl.so") for name in full)
    assert ran("bare").status == 134  # FailFast: no valid ICU package
    found = ran("full")
    assert found.status == 0, found.err
    assert b"Found 1 of 1 results" in found.out


def test_a_dotnet_program_that_is_told_to_go_without_gets_no_icu(tmp_path: Path) -> None:
    """N39: the twin."""
    program = fetched(DOTNET, tmp_path)

    assert "libicuuc" not in json.dumps(told(program, "dotnet", "-e", INVARIANT)["evidence"])
    names = packed(program, tmp_path / "tree", "-e", UNPACKS, "-e", INVARIANT, "--need", "dlopen=never")
    assert not any(name.startswith("libicu") for name in names)
    assert sandbox.run(tmp_path / "tree", "/Sarif.Multitool", "version", env=(UNPACKS, INVARIANT)).status == 0
