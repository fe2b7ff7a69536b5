"""``verify`` is a check: whatever it finds wrong ends with 6, where ``inspect`` and ``pack`` say what kind it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import build
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path


def test_a_library_that_is_missing_ends_verify_with_6_and_inspect_and_pack_with_4(tmp_path: Path) -> None:
    build.shared(tmp_path / "libgone.so", "int gone(void) { return 0; }")
    build.cc(tmp_path / "app", "int gone(void); int main(void) { return gone(); }", f"{tmp_path}/libgone.so")
    (tmp_path / "libgone.so").unlink()

    ends = {word: scratchpack(word, "./app", cwd=tmp_path) for word in ("verify", "inspect", "pack")}

    assert {word: done.status for word, done in ends.items()} == {"verify": 6, "inspect": 4, "pack": 4}
    assert all("libgone.so" in done.out + done.err for done in ends.values())
