"""`analyze` of what scratchpack packed: the image holds what its program needs and nothing else, and two of them share by the same arithmetic."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support import build
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path


def test_a_packed_image_needs_every_byte_that_it_holds(tmp_path: Path) -> None:
    """W6, W7, W8: resolved again inside its own layers, a dynamic program needs just what was packed for it."""
    program = build.cc(tmp_path / "app", build.HELLO_C)
    for compression in ("gzip", "zstd"):
        words = ("-t", f"app:{compression}", "-o", f"type=docker,dest={tmp_path}/{compression}.tar,compression={compression}")  # fmt: skip
        assert scratchpack("-q", program, *words).status == 0
    run = scratchpack(
        "analyze",
        "--json",
        "--min-efficiency",
        "100%",
        "--max-waste",
        "0",
        tmp_path / "gzip.tar",
        tmp_path / "zstd.tar",
    )
    assert run.status == 0, run.err
    said = json.loads(run.out)
    for one in said["images"]:
        assert one["needed"] == one["live"] > program.stat().st_size
        assert (one["hidden"], one["efficiency"], one["leftovers"], one["duplicates"]) == (0, 1, [], [])
    # one layer compressed in two ways is two blobs in a registry, and one layer on a disk
    assert said["together"]["registry_bytes"] == said["together"]["sum_bytes"]
    assert said["together"]["node_disk_bytes"] == said["images"][0]["bytes"]
