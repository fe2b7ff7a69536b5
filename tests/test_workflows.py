"""The workflows of .github: two linters have nothing to say, what they run is pinned, and they try every Python that we claim."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib

import pytest

from tests.support import tools
from tests.support.cli import HOME

WORKFLOWS = sorted((HOME / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]


def test_actionlint_has_nothing_to_say() -> None:
    actionlint = tools.need("actionlint", package="made by `make .venv/bin/actionlint`")
    done = subprocess.run([actionlint, *WORKFLOWS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_zizmor_has_nothing_to_say() -> None:
    zizmor = tools.need("zizmor", package="zizmor")
    words = [zizmor, "--offline", "--no-progress", "--quiet", "--config", ".github/zizmor.yml", ".github"]
    done = subprocess.run(words, cwd=HOME, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_action_is_pinned_to_a_commit_and_says_its_version() -> None:
    used = [line for path in WORKFLOWS for line in path.read_text().splitlines() if re.search(r"\buses:", line)]
    ours = [line for line in used if "uses: ./.github/workflows/" in line]
    assert len(used) > len(ours) > 0
    for line in used:
        assert line in ours or re.search(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_the_suite_runs_on_every_python_that_the_classifiers_name() -> None:
    claimed = re.findall(r":: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE)
    assert claimed
    assert claimed[0] == PROJECT["requires-python"].removeprefix(">=")
    tried = re.findall(r"python: \[(.+)\]", (HOME / ".github/workflows/tests.yml").read_text())
    assert [re.findall(r"3\.\d+", row) for row in tried] == [claimed, claimed]  # Ubuntu, Debian


@pytest.mark.parametrize("address", ["", "https://example.org/team/tool/"])
def test_the_projects_links_come_from_one_variable(address: str) -> None:
    env = {**os.environ, "SCRATCHPACK_REPOSITORY": address}
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "metadata"], cwd=HOME, env=env, capture_output=True, text=True, check=True
    )
    links = re.findall(r"https://[^\"]+", done.stdout)
    assert len(links) == (4 if address else 0)
    assert all(link.startswith("https://example.org/team/tool") and "//" not in link[8:] for link in links)
