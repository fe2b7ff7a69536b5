"""JSON that a program carries about itself: .note.dlopen, .note.package, cargo-auditable; read, or named in a warning, and never an error (S5)."""

from __future__ import annotations

import random
import zlib
from typing import TYPE_CHECKING

import pytest

from scratchpack.elf import rust
from scratchpack.elf.dlopen import NOTE_DLOPEN, NOTE_PACKAGE, OWNER, dlopens, package, unread
from scratchpack.elf.model import Note
from scratchpack.errors import ElfError
from tests.support.cli import scratchpack
from tests.support.hostile_elf import INTERP, glibc_root, note, program
from tests.support.mutants import mutants
from tests.unit.elf.forge import NEEDED, forge

if TYPE_CHECKING:
    from pathlib import Path

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


@pytest.mark.parametrize(
    ("kind", "data", "why"),
    [
        (NOTE_DLOPEN, b'[{"soname": ["libz.so.1"], "feature": "\\ud800"}]', "half a surrogate pair"),
        (NOTE_DLOPEN, b'[{"soname": ["lib\xff.so"]}]', "not UTF-8"),
        (NOTE_DLOPEN, b'[{"soname": ["lib\\u0000.so"]}]', "[0].soname[0]: a string without a NUL is meant"),
        (NOTE_DLOPEN, b'[{"name": "libz.so"}]', "[0].soname: it is missing"),
        (NOTE_DLOPEN, b'[{"soname": []}]', "1 to 64 names are meant"),
        (NOTE_DLOPEN, b'[{"soname": ["liba.so"], "n": ' + b"1" * 5000 + b"}]", "a number of 5000 digits"),
        (NOTE_DLOPEN, b"[" * 200 + b"]" * 200, "nested more than 100 deep"),
        (NOTE_PACKAGE, b'{"name": "\\udfff"}', "half a surrogate pair"),
        (NOTE_PACKAGE, b'["deb"]', "an object is meant"),
    ],
)
def test_what_a_note_says_and_cannot_be_read_is_named(kind: int, data: bytes, why: str) -> None:
    """S5: nothing of a stranger's file is dropped in silence."""
    (line,) = unread([Note(OWNER, kind, data)])
    assert line.startswith("its note on ")
    assert why in line
    assert unread([Note(OWNER, NOTE_DLOPEN, b'[{"soname": "libz.so"}]'), Note(b"GNU", kind, data)]) == ()


def test_a_note_that_cannot_be_read_is_a_warning_with_the_files_name(tmp_path: Path) -> None:
    root = glibc_root(tmp_path / "root")
    notes = note(NOTE_DLOPEN, b'[{"soname": ["libz.so.1"], "feature": "\\ud800"}]')
    program(root, forge(((NEEDED, b"liba.so"),), interp=INTERP))
    (root / "usr/lib").mkdir(parents=True, exist_ok=True)
    (root / "usr/lib/liba.so").write_bytes(forge((), notes=notes))
    done = scratchpack("/program", "--root", root, "-o", f"type=tar,dest={tmp_path}/out.tar")
    assert done.status == 0, done.err
    assert (
        "warning: /usr/lib/liba.so: its note on what it opens later is left out: a string in it holds half" in done.err
    )


def test_an_entry_whose_description_is_no_text_still_counts() -> None:
    (found,) = dlopens(
        [Note(OWNER, NOTE_DLOPEN, b'[{"soname": ["libz.so.1"], "priority": "required", "description": 3}]')]
    )
    assert (found.sonames, found.priority, found.description) == (("libz.so.1",), "required", "")


def test_every_mutant_of_a_package_note_gives_texts_that_can_be_written() -> None:
    for data in mutants({"type": "deb", "name": "x", "version": "1", "osCpe": "cpe:/o"}, random.Random(SEED)):
        for name, text in package([Note(OWNER, NOTE_PACKAGE, data)]).items():
            (name + text).encode()


def test_every_mutant_of_a_list_of_crates_is_read_or_named(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {
        "packages": [
            {"name": "a", "version": "1", "source": "crates.io", "kind": "build", "root": True},
            {"name": "b", "version": "2"},
        ]
    }
    section = b""
    monkeypatch.setattr(rust, "section_bytes", lambda *_: section)
    image: ElfImage = None  # type: ignore[assignment]
    refused: set[str] = set()
    for data in mutants(listed, random.Random(SEED)):
        section = zlib.compress(data)
        try:
            for crate in rust.crates(image):
                (crate.name + crate.version + crate.source + crate.kind).encode()
        except ElfError as error:
            refused.add(error.message.partition(":")[0])
    assert refused == {"its list of crates is left out"}
