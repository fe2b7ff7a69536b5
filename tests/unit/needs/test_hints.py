"""What stands in a program whether or not it is used is a hint; what says which machine this is never travels."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.needs.gate import Gate
from scratchpack.needs.gather import copied, tree
from scratchpack.rootfs import Reason
from scratchpack.sysroot.dirroot import DirRoot
from tests.support import build
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path

WHY = (Reason("need", "test"),)
MACHINE = (
    "localtime",
    "timezone",
    "hostname",
    "hosts",
    "machine-id",
    "mailname",
    "fstab",
    "resolv.conf",
    "default/locale",
)
RUST = "/rustc/5f57/library/std/src/sys/unix.rs"


def marked(out: Path, *strings: str, call: str = "", flags: tuple[str, ...] = ()) -> Path:
    """A C program that holds these strings, each between NULs, and makes a call."""
    rows = ", ".join(json.dumps(text) for text in strings)
    head = "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <spawn.h>\n#include <stdio.h>\n#include <unistd.h>\n"
    source = f"{head}static const char *marks[] = {{{rows}}};\nint main(int n, char **v) {{ {call} return puts(marks[n - 1]) < 0; }}\n"
    return build.cc(out, source, *flags)


def needs(program: Path | str, *words: str | Path) -> dict[str, dict[str, Any]]:
    """What inspect finds, by name."""
    ran = scratchpack("inspect", "--json", program, *words)
    assert ran.status == 0, ran.err
    return {need["name"]: need for need in json.loads(ran.out)["needs"]}


@pytest.mark.parametrize(
    ("marks", "tier"),
    [
        (("/usr/share/zoneinfo", "x"), "a"),
        (("/usr/share/zoneinfo/", "icudt72l"), "b"),
        (("/usr/share/zoneinfo", RUST), "b"),
    ],
)
def test_a_path_to_zones_that_a_runtime_holds_anyhow_is_only_a_hint(
    marks: tuple[str, ...], tier: str, tmp_path: Path
) -> None:
    """N5: ICU and crates of Rust hold it whether or not a zone is ever read."""
    assert needs(marked(tmp_path / "app", *marks))["timezone"]["tier"] == tier


def test_the_zone_of_the_packing_machine_does_not_get_in(tmp_path: Path) -> None:
    """I22: packed from a root in Berlin and from one in Tokyo, the same program gives the same files."""
    app = marked(tmp_path / "app", "/usr/share/zoneinfo", "x")
    trees = []
    for zone in ("Europe/Berlin", "Asia/Tokyo"):
        root = tmp_path / os.path.basename(zone)
        done = scratchpack("pack", app, "--need", "timezone=never", "-q", "-o", f"type=local,dest={root}")
        assert done.status == 0, done.err
        for name in ("Europe/Berlin", "Asia/Tokyo"):
            (root / "usr/share/zoneinfo" / name).parent.mkdir(parents=True)
            (root / "usr/share/zoneinfo" / name).write_text(f"TZif {name}")
        (root / "etc").mkdir(exist_ok=True)
        (root / "etc/localtime").symlink_to(f"/usr/share/zoneinfo/{zone}")
        (root / "usr/share/zoneinfo/localtime").symlink_to("/etc/localtime")
        tree_of = root.with_suffix(".tree")
        done = scratchpack("pack", "/app", "--root", root, "-q", "-o", f"type=local,dest={tree_of}")
        assert done.status == 0, done.err
        trees.append({str(path.relative_to(tree_of)) for path in tree_of.rglob("*")})

    assert trees[0] == trees[1]
    assert "usr/share/zoneinfo/Europe/Berlin" in trees[0]
    assert not [path for path in trees[0] if path.endswith("localtime")]


@pytest.mark.parametrize("name", MACHINE)
def test_no_file_that_says_which_machine_this_is_is_taken_not_even_through_a_link(name: str, tmp_path: Path) -> None:
    """I22."""
    (tmp_path / "etc" / name).parent.mkdir(parents=True)
    (tmp_path / "etc" / name).write_text("berlin")
    (tmp_path / "usr/share/app").mkdir(parents=True)
    (tmp_path / "usr/share/app/link").symlink_to(f"/etc/{name}")
    (tmp_path / "usr/share/app/own").write_text("text")
    gate = Gate(DirRoot(str(tmp_path)))

    assert copied(gate, f"/etc/{name}", WHY) == ()
    assert [entry.path for entry in tree(gate, "/usr/share/app", WHY)] == ["/usr/share/app", "/usr/share/app/own"]
    assert "which machine" in gate.withheld[f"/etc/{name}"]


@pytest.mark.parametrize("name", ["passwd", "group"])
def test_the_users_of_the_packing_machine_are_looked_up_and_never_taken(name: str, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / name).write_text("ann:x:1000:1000::/home/ann:/bin/sh\n")
    gate = Gate(DirRoot(str(tmp_path)))

    assert gate.lookup(f"/etc/{name}") is not None
    assert copied(gate, f"/etc/{name}", WHY) == ()


def test_fontconfig_linked_in_statically_is_seen_by_its_own_strings(tmp_path: Path) -> None:
    """N52: N18: the variable that it reads beside its own configuration; the variable's name alone is another program's."""
    assert needs(marked(tmp_path / "app", "FONTCONFIG_FILE", "fonts.conf"))["fontconfig"]["tier"] == "a"
    assert "fontconfig" not in needs(marked(tmp_path / "twin", "FONTCONFIG_FILE", "x"))


@pytest.mark.parametrize(
    "text",
    ["ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2", "ld-musl-x86_64.so.1", "libone.so.1libtwo.so.1"],
)
def test_a_loader_and_literals_side_by_side_are_no_names_of_libraries(text: str, tmp_path: Path) -> None:
    """N34."""
    program = marked(tmp_path / "app", text, "x", call="dlopen(v[0], 1);")

    assert "dlopen" not in needs(program)


def test_a_guess_that_leads_nowhere_is_a_note_and_no_warning(tmp_path: Path) -> None:
    program = marked(tmp_path / "app", "libnowhere-at-all.so.7", "libm.so.6", call="dlopen(v[0], 1);")

    done = scratchpack("pack", program, "-o", f"type=local,dest={tmp_path / 'tree'}")

    assert done.status == 0
    assert "warning" not in done.err
    assert "note: dlopen: not in /, and named in strings alone: libnowhere-at-all.so.7" in done.err


@pytest.mark.parametrize(
    "call", ['execve("/x", v, v);', 'execlp("x", "x", (char *)0);', "pid_t p; posix_spawnp(&p, v[0], 0, 0, v, v);"]
)
def test_a_program_that_starts_others_is_told_that_they_are_not_there(call: str, tmp_path: Path) -> None:
    """N28."""
    need = needs(marked(tmp_path / "app", "x", call=call))["shell"]

    assert (need["decision"], need["tier"]) == ("suggested", "a")
    assert "shell" not in needs(marked(tmp_path / "twin", "x"))
