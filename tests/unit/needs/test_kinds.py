"""A directory that a string names is evidence for what the program opens there, not for everything below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scratchpack.elf.reader import read_elf
from scratchpack.loader.model import FoundBy, Resolution
from scratchpack.needs.base import Seen, Subject
from scratchpack.needs.companion.base import bring
from scratchpack.needs.companion.kinds import unopened
from scratchpack.needs.companion.owndata import _leaves
from scratchpack.rootfs import Reason
from scratchpack.sysroot.dirroot import DirRoot
from tests.unit.packages import roots

if TYPE_CHECKING:
    from pathlib import Path

WHY = (Reason("need", "test"),)
PLUGIN = "/usr/lib/db/15/lib/jit.so"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/usr/lib/x/CORE/perl.h", "headers"),
        ("/usr/lib/x/libx.a", "static libraries and object files"),
        ("/usr/lib/x/sbcl.o", "static libraries and object files"),
        ("/usr/lib/x/libx.la", "static libraries and object files"),
        ("/usr/lib/x/coders/png.la", ""),  # libltdl reads it before it opens png.so
        ("/usr/lib/x/pkgconfig/x.pc", "files for pkg-config"),
        ("/usr/lib/x/bitcode/x/y.bc", "bitcode"),
        ("/usr/lib/x/x.so.debug", "debug files"),
        ("/usr/lib/x/.build-id/ab/cd", "debug files"),
        ("/usr/share/x/doc/help.txt", "manuals"),
        ("/usr/share/x/man/man1/x.1.gz", "manuals"),
        ("/usr/share/x/doc/Document.js", ""),  # a directory of a module's own
        ("/usr/share/x/lang/de/LC_MESSAGES/x.mo", "message catalogs"),
        ("/usr/share/x/tutor/tutor.de", "manuals"),
        ("/usr/share/x/zsh/functions/Completion/Unix/_git", "completions of shells"),
        ("/usr/share/x/zsh/functions/Zftp/zfget", ""),
        ("/usr/share/x/bash-completion/completions/x", "completions of shells"),
        ("/usr/share/x/i18n/charmaps/UTF-8.gz", "compressed character maps"),
        ("/usr/share/x/i18n/locales/C", ""),
        ("/usr/share/x/tips.txt", ""),
        ("/usr/share/x/data.h5", ""),
        ("/usr/share/x/diagnostics.pod", ""),  # which `use diagnostics` reads
    ],
)
def test_what_compilers_linkers_debuggers_and_people_read_is_told_from_data(path: str, kind: str) -> None:
    assert unopened(path, ("/usr/lib/x", "/usr/share/x")) == kind


def test_a_place_that_is_one_for_such_files_was_named_for_them() -> None:
    assert unopened("/usr/lib/gcc/12/include/stddef.h", ("/usr/lib/gcc/12/include",)) == ""
    assert unopened("/usr/share/x/doc/help.txt", ("/usr/share/x/doc",)) == ""
    assert unopened("/usr/lib/x/start.o", ("/usr/lib/x/start.o",)) == ""
    assert unopened("/usr/lib/gcc/12/plugin/include/x.h", ("/usr/lib/gcc/12",)) == "headers"


def test_what_stays_behind_is_reported_and_leaves_no_empty_directory(tmp_path: Path) -> None:
    for name in ("CORE/a.h", "CORE/b.h", "data/x", "libx.a"):
        roots.write(tmp_path, f"/usr/lib/x/{name}", "text")

    brought = bring(DirRoot(str(tmp_path)), "/usr/lib/x", WHY, "/bin/x")

    assert [entry.path for entry in brought.files] == ["/usr/lib/x", "/usr/lib/x/data", "/usr/lib/x/data/x"]
    assert brought.notes == (
        "headers of /usr/lib/x/CORE are left out, 2 that the program does not open: --include those used",
        "static libraries and object files of /usr/lib/x are left out, 1 that the program does not open: --include those used",
    )


def _subject(tmp_path: Path, *, calls: str, tier: str = "a", holds: str = "") -> Subject:
    roots.write(tmp_path, "/usr/bin/db", "x")
    view = DirRoot(str(tmp_path))
    node = view.lookup("/usr/bin/db")
    assert node is not None
    with open("/bin/true", "rb") as stream:
        facts = read_elf(stream, origin="true")
    found = Resolution("", "/usr/bin/db", node, view, FoundBy.ROOT, "", facts)
    strings = {holds: (holds,)} if holds else {}
    program = Seen("/usr/bin/db", "db", "a", found, strings=strings)
    caller = Seen("/usr/lib/libdb.so.5", "libdb.so.5", tier, found, imports=frozenset({calls}))
    return Subject(program, (program, caller), facts, "glibc", None, {})


@pytest.mark.parametrize(
    ("calls", "tier", "kind"), [("dlopen", "b", ""), ("dlopen", "c", "plug-ins"), ("open", "b", "plug-ins")]
)
def test_a_program_that_cannot_open_a_plug_in_gets_none(calls: str, tier: str, kind: str, tmp_path: Path) -> None:
    """psql names its server's directory, whose plug-in brings a whole compiler."""
    leave = _leaves(_subject(tmp_path, calls=calls, tier=tier))

    assert leave(PLUGIN, ("/usr/lib/db/15/lib",)) == kind
    assert leave(PLUGIN, (PLUGIN,)) == ""  # named itself
    assert leave("/usr/lib/db/15/lib/x.h", ("/usr/lib/db/15/lib",)) == "headers"


def test_a_program_that_links_programs_gets_what_linkers_open(tmp_path: Path) -> None:
    leave = _leaves(_subject(tmp_path, calls="open", holds="crt1.o"))

    assert [leave(f"/usr/lib/cc/{name}", ("/usr/lib/cc",)) for name in ("crtend.o", "libcc.a", "x.so")] == ["", "", ""]
