"""N46: the modules of a Perl script, in the path that its interpreter has; perl itself is the referee."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from scratchpack.scripts.model import SourceText
from scratchpack.scripts.perl.program import include_path, perl_program
from scratchpack.scripts.perl.reader import read_perl
from scratchpack.sysroot.dirroot import DirRoot
from tests.support import tools

if TYPE_CHECKING:
    from pathlib import Path


def used(text: str) -> dict[str, bool]:
    """The paths that a text uses, each with whether it may do without."""
    return {found.path: found.optional for found in read_perl(SourceText("x.pl", text.encode())).used}


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("use strict; use JSON::PP qw(decode_json);", {"strict.pm": False, "JSON/PP.pm": False}),
        ("use POSIX\n  qw(floor);", {"POSIX.pm": False}),
        ("use constant PI => 3;", {"constant.pm": False}),
        ("use parent -norequire, 'Own';", {"parent.pm": False}),
        ("use base qw(One Two::Three);", {"base.pm": False, "One.pm": False, "Two/Three.pm": False}),
        ("use v5.36; use 5.010; no warnings;", {"warnings.pm": False}),
        ("sub f { require Late::One; }", {"Late/One.pm": True}),
        ("eval { require Maybe; 1 } or warn;\nuse Sure;", {"Maybe.pm": True, "Sure.pm": False}),
        ("eval q{\n  use Maybe;\n};\nuse Sure;", {"Maybe.pm": True, "Sure.pm": False}),
        ("require 'old/lib.pl';", {"old/lib.pl": True}),
        ("=head1 X\n\nuse Pod;\n\n=cut\nuse Code;", {"Code.pm": False}),
        ("print <<EOT . <<'B';\nuse Here;\nEOT\nuse There;\nB\nuse Code;", {"Code.pm": False}),
        ("use Code;\n__END__\nuse After;", {"Code.pm": False}),
        ("# use Comment;\nprint 'x'; # use Other;", {}),
        ('die "\nuse extra care here\nrequire more thought\n";', {}),
        ("$use{x}; use_ok('X'); my $use = Foo;", {}),
    ],
)
def test_modules_are_found_in_code_and_nowhere_else(text: str, paths: dict[str, bool]) -> None:
    assert used(text) == paths


def test_what_perl_itself_loads_is_found_in_the_path_that_perl_itself_has(tmp_path: Path) -> None:
    perl = tools.need("perl", package="perl")
    asked = subprocess.run(
        [perl, "-MConfig", "-e", "print join qq(\\n), $^X, @INC"], capture_output=True, text=True, check=True
    )
    binary, *include = asked.stdout.splitlines()
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/Own.pm").write_text("package Own; use File::Temp (); 1;\n")
    script = tmp_path / "script"
    script.write_text(
        '#!/usr/bin/perl\nuse strict; use warnings;\nuse FindBin qw($Bin);\nuse lib "$Bin/lib";\nuse Own; use JSON::PP;\n'
        "use Gone::Module;\n"
    )  # fmt: skip
    with DirRoot("/") as root:
        node, program = root.lookup(str(script)), root.lookup(binary)
        assert node is not None
        assert program is not None
        search = include_path(root, (program,))
        found = perl_program(root, node, search)
        there = {place.canonical for name in include if (place := root.lookup(name)) is not None}
        derived = {place.canonical for name in search if (place := root.lookup(name)) is not None}
        assert there >= derived
        run = f"unshift @INC, '{tmp_path}/lib'; require strict; require Own; require JSON::PP; require FindBin; print join qq(\\n), values %INC"
        loaded = subprocess.run([perl, "-e", run], capture_output=True, text=True, check=True).stdout.splitlines()
        real = {place.canonical for name in loaded if (place := root.lookup(name)) is not None}
    missed = real - set(found.modules)
    assert {path.rpartition("/File/")[2] for path in missed} <= {"Spec/Unix.pm"}, (
        "what perl loaded is among those found"
    )
    assert any(u.file.endswith("/File/Spec.pm") for u in found.unknown), "it puts that name together itself"
    assert [(m.name, m.file, m.line) for m in found.missing if not m.optional] == [("Gone/Module.pm", str(script), 6)]


def test_a_hostile_perl_text_is_read_in_one_pass() -> None:
    for piece in (b"use A;", b"{", b"<<E ", b"\n=x", b"eval {", b"use ", b"a" * 1000):
        read_perl(SourceText("bomb", piece * ((4 << 20) // len(piece))))
    read_perl(SourceText("bomb", b"<<E\n" * 100_000))


def test_what_loads_by_name_brings_what_was_installed_with_it_and_with_the_script(tmp_path: Path) -> None:  # N46
    (tmp_path / "lib/Family").mkdir(parents=True)
    (tmp_path / "app").write_text("use Loader; use Plain; Loader->load('One');\n")
    (tmp_path / "lib/Loader.pm").write_text(
        'package Loader; sub load { my $name = $_[1]; eval "require Family::$name" or die }\n1;\n'
    )
    (tmp_path / "lib/Plain.pm").write_text("package Plain; 1;\n")
    (tmp_path / "lib/Family/One.pm").write_text("package Family::One; use Helper; use Nowhere; 1;\n")
    (tmp_path / "lib/Helper.pm").write_text("1;\n")
    (tmp_path / "lib/Own.pm").write_text("1;\n")
    families = {"/lib/Loader.pm": ("/lib/Family/One.pm",), "/app": ("/lib/Own.pm",), "/lib/Plain.pm": ("/never",)}
    root = DirRoot(str(tmp_path))
    script = root.lookup("/app")
    assert script is not None
    found = perl_program(root, script, ("/lib",), lambda path: families.get(path, ()))
    assert set(found.modules) == {f"/lib/{name}.pm" for name in ("Loader", "Plain", "Family/One", "Helper", "Own")}
    assert [(item.file, item.line) for item in found.by_name] == [("/lib/Loader.pm", 1)]
    assert [(item.name, item.optional) for item in found.missing] == [("Nowhere.pm", True)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("require $x;", 1),
        ('require "a/$x.pm";', 1),
        ('eval "use $x; 1"', 1),
        ("eval qq{require $x}", 1),
        ("use Module::Runtime 'use_module';", 1),
    ],
)
def test_a_name_made_at_run_time_is_seen(tmp_path: Path, text: str, line: int) -> None:  # N46
    (tmp_path / "app").write_text(f"{text}\n")
    root = DirRoot(str(tmp_path))
    script = root.lookup("/app")
    assert script is not None
    assert [item.line for item in perl_program(root, script, ()).by_name] == [line]
    (tmp_path / "app").write_text("require Constant; eval 'use Constant'; print 'eval use $x';\n")
    root = DirRoot(str(tmp_path))
    script = root.lookup("/app")
    assert script is not None
    assert not perl_program(root, script, ()).by_name
