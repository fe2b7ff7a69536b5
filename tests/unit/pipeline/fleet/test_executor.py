"""Who does the work of a fleet: a unit whose process died runs again, and takes no other with it (W41)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from scratchpack.pipeline.fleet.executor import processes, run
from tests.support.dying import work

if TYPE_CHECKING:
    from pathlib import Path


def answers(home: Path, *words: str) -> dict[str, str]:
    found: dict[str, str] = {}

    def done(number: int, answer: str) -> None:
        assert words[number] not in found
        found[words[number]] = answer

    run(work, [f"{home} {word}" for word in words], processes, 2, done)
    return found


def test_a_unit_whose_process_was_killed_runs_again(tmp_path: Path) -> None:
    assert answers(tmp_path, "a", "once", "b", "c") == {"a": "A", "once": "ONCE", "b": "B", "c": "C"}


def test_one_that_dies_every_time_is_given_up_and_the_others_are_done(tmp_path: Path) -> None:
    found = answers(tmp_path, "a", "always", "b")
    failed = json.loads(found.pop("always"))["failed"]
    assert "was killed each time" in failed["message"]
    assert failed["exit_code"] == 8
    assert found == {"a": "A", "b": "B"}
