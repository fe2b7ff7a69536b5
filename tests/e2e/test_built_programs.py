"""Programs built from real modules and crates: the evidence is right, and they run at the first try in docker as user 65532.

`make campaign` runs it where a compiler and its registry are there; `built.toml` is the list, `docs/real-programs.md` what came of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.test_servers import connected, free_port
from tests.support import tools
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from tests.support.engines import Docker

TABLE = tomllib.loads(Path(__file__).with_name("built.toml").read_text())["program"]
_CARGO = '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\n'


def built(program: dict[str, Any], home: Path) -> Path:
    """The program, built from its source with the modules that the registry gives now."""
    if program["language"] == "go":
        go = tools.need("go", package="golang")
        (home / "main.go").write_text(program["source"])
        env = {**os.environ, "CGO_ENABLED": "1" if program.get("cgo") else "0", "GOFLAGS": "-mod=mod"}
        steps = [[go, "mod", "init", "example.org/app"], [go, "mod", "tidy"], [go, "build", "-o", "app", "."]]
        found = home / "app"
    else:
        cargo = tools.need("cargo", package="cargo")
        (home / "src").mkdir()
        (home / "src/main.rs").write_text(program["source"])
        (home / "Cargo.toml").write_text(_CARGO + program["modules"] + "\n")
        env = dict(os.environ)
        steps = [[cargo, "build", "--release", "--quiet"]]
        found = home / "target/release/app"
    for words in steps:
        done = subprocess.run(words, cwd=home, env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            tools.missing(f"{program['name']} cannot be built here: {' '.join(words)}: {done.stderr[-400:]}")
    return found


@pytest.mark.campaign
@pytest.mark.parametrize("program", [pytest.param(program, id=program["name"]) for program in TABLE])
def test_a_program_of_real_modules_runs_at_the_first_try(
    program: dict[str, Any], docker: Docker, tmp_path: Path
) -> None:
    app = built(program, tmp_path)
    inspected = scratchpack("inspect", "--json", app)
    assert inspected.status == 0, inspected.err
    needs = {need["name"]: need["decision"] for need in json.loads(inspected.out)["needs"]}
    assert all(needs.get(name) == "added" for name in program.get("needs", ())), needs
    assert not needs.keys() & set(program["not"]), needs
    packed = scratchpack(app, "-t", "packed:latest", "-o", f"type=docker,dest={tmp_path}/built.tar", cwd=tmp_path)
    assert packed.status == 0, packed.err
    docker("load", "-i", tmp_path / "built.tar")
    port = free_port()
    try:
        if program.get("listens"):
            docker("run", "-d", "--name", f"built-{port}", "--network", "host", "packed:latest", str(port))
            connected(port, 40).close()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
                printed = answer.read().decode()
        else:
            run = docker("run", "--rm", "--network", "host", "packed:latest", check=False)
            printed = run.out + run.err
        size = int(docker("image", "inspect", "--format", "{{.Size}}", "packed:latest").out)
    finally:
        docker("rm", "-f", f"built-{port}", check=False)
        docker("image", "rm", "-f", "packed:latest", check=False)
    added = ", ".join(sorted(name for name, decision in needs.items() if decision == "added"))
    sys.stdout.write(f"\n| {program['name']} | {size / 1e6:.1f} MB | {added} |\n")  # pytest -s shows it
    assert program["expect"] in printed, (printed[-600:], packed.err)
