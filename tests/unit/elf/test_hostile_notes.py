"""JSON that a program carries about itself: .note.dlopen, .note.package, cargo-auditable; read or passed over, never an error (S5)."""

from __future__ import annotations

import random
import zlib
from typing import TYPE_CHECKING

import pytest

from scratchpack.elf import rust
from scratchpack.elf.dlopen import NOTE_DLOPEN, NOTE_PACKAGE, OWNER, dlopens, package
from scratchpack.elf.model import Note
from tests.support.mutants import mutants

if TYPE_CHECKING:
    from scratchpack.elf.image import ElfImage

SEED = 29


def test_every_mutant_of_a_dlopen_note_gives_names_that_a_file_can_have() -> None:
    note = [
        {"soname": ["libz.so.1", "libz.so"], "priority": "required", "feature": "zip", "description": "unpacks"},
        {"soname": "libxz.so.5", "priority": "suggested"},
    ]
    count = 0
    for data in mutants(note, random.Random(SEED)):
        count += 1
        for one in dlopens([Note(OWNER, NOTE_DLOPEN, data)]):
            assert all(name and "\0" not in name for name in one.sonames)
            "".join((*one.sonames, one.feature, one.description)).encode()
    assert count > 300


@pytest.mark.parametrize("sonames", [r'"libz\u0000.so"', r'["libz.so.1", "\u0000"]', '[""]', "[]"])
def test_an_entry_with_a_name_that_no_file_can_have_is_none(sonames: str) -> None:
    """S5: NUL would end the name inside the kernel. The other entries of the note still count."""
    text = f'[{{"soname": {sonames}}}, {{"soname": "libother.so"}}]'
    assert [one.sonames for one in dlopens([Note(OWNER, NOTE_DLOPEN, text.encode())])] == [("libother.so",)]


def test_an_entry_whose_description_is_no_text_still_counts() -> None:
    (found,) = dlopens(
        [Note(OWNER, NOTE_DLOPEN, b'[{"soname": ["libz.so.1"], "priority": "required", "description": 3}]')]
    )
    assert (found.sonames, found.priority, found.description) == (("libz.so.1",), "required", "")


def test_every_mutant_of_a_package_note_gives_texts_that_can_be_written() -> None:
    for data in mutants({"type": "deb", "name": "x", "version": "1", "osCpe": "cpe:/o"}, random.Random(SEED)):
        for name, text in package([Note(OWNER, NOTE_PACKAGE, data)]).items():
            (name + text).encode()


def test_every_mutant_of_a_list_of_crates_is_read_or_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {
        "packages": [
            {"name": "a", "version": "1", "source": "crates.io", "kind": "build", "root": True},
            {"name": "b", "version": "2"},
        ]
    }
    section = b""
    monkeypatch.setattr(rust, "section_bytes", lambda *_: section)
    image: ElfImage = None  # type: ignore[assignment]
    for data in mutants(listed, random.Random(SEED)):
        section = zlib.compress(data)
        for crate in rust.crates(image):
            (crate.name + crate.version + crate.source + crate.kind).encode()
