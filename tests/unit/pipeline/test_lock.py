"""``--locked``: what is new or gone against an earlier ``--metadata-file`` is named, whatever kind of thing it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.errors import UsageError
from scratchpack.pipeline.lock import Held, differences, read_lock

if TYPE_CHECKING:
    from pathlib import Path

BASE = Held({"libc.so.6": "/lib/libc.so.6"}, frozenset({"tmp"}), frozenset({"/app", "/lib/libc.so.6"}), frozenset({"A"}))  # fmt: skip


def _one(new: Held) -> tuple[str, ...]:
    return differences({"linux/amd64": BASE}, {"linux/amd64": new})


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"libraries": {**BASE.libraries, "libm.so.6": "/lib/libm.so.6"}}, "library libm.so.6"),
        ({"needs": frozenset({"tmp", "users"})}, "need users"),
        ({"files": BASE.files | {"/etc/passwd"}}, "file /etc/passwd"),
        ({"env": frozenset({"A", "B"})}, "environment variable B"),
    ],
)
def test_each_kind_of_thing_is_named_when_it_is_new_and_when_it_is_gone(change: dict[str, Any], name: str) -> None:
    changed = BASE._replace(**change)
    assert _one(changed) == (f"{name} is new",)
    assert differences({"linux/amd64": changed}, {"linux/amd64": BASE}) == (f"{name} is gone",)
    assert differences({"linux/amd64": changed}, {"linux/amd64": changed}) == ()


def test_platforms_are_compared_one_by_one() -> None:
    more = BASE._replace(env=frozenset())
    found = differences({"linux/amd64": BASE, "linux/arm64": BASE}, {"linux/amd64": more, "linux/riscv64": BASE})
    assert found == (
        "environment variable A is gone (linux/amd64)",
        "platform linux/arm64 is gone",
        "platform linux/riscv64 is new",
    )


def test_a_parent_that_an_archive_has_a_record_for_is_not_new() -> None:
    image = BASE._replace(needs=None, files=BASE.files | {"/", "/lib"})
    assert _one(image) == ()


def test_a_library_that_an_image_does_not_load_at_start_and_holds_is_not_gone() -> None:
    assert _one(BASE._replace(libraries={}, needs=None)) == ()
    assert "library libc.so.6 is gone" in _one(BASE._replace(libraries={}, files=frozenset({"/app"})))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "nonsense", '{"closure": 1, "needs": [], "files": [], "platform": "x"}', "[" * 5000]
)
def test_what_is_no_metadata_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "lock").write_text(text)
    with pytest.raises(UsageError, match="cannot use --locked"):
        read_lock(str(tmp_path / "lock"))
    with pytest.raises(UsageError, match="no such file"):
        read_lock(str(tmp_path / "other"))


def test_a_metadata_file_of_before_there_were_locks_says_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(json.dumps({"closure": {"resolved": []}, "needs": [], "files": []}))
    with pytest.raises(UsageError, match="platform: it is missing"):
        read_lock(str(tmp_path / "lock"))
