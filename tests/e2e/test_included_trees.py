"""What is included is seen: it lies over the root before anything is resolved, and is resolved where it will stand (R6, R20)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.e2e.test_placement import ANSWER, ASKS
from tests.support import build
from tests.support.cli import scratchpack
from tests.support.tree import names, packed, run

OPENS = (
    "#include <dlfcn.h>\n#include <stdio.h>\nint main(int n, char **v) {\n"
    "  void *h = dlopen(v[1], RTLD_NOW); if (!h) { puts(dlerror()); return 1; }\n"
    '  printf("%d\\n", ((int (*)(void))dlsym(h, "plugin"))()); return 0; }\n'
)
PLUGIN = "int answer(void); int plugin(void) { return answer(); }\n"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that opens the library it is given and calls ``plugin`` in it."""
    return build.cc(tmp_path_factory.mktemp("trees") / "host", OPENS)


def said(out: Path, *words: str | Path, cwd: Path) -> str:
    """What a packing that succeeds says."""
    done = scratchpack("pack", *words, "-o", f"type=local,dest={out}", cwd=cwd)
    assert done.status == 0, done.err
    return done.err


def wheel(at: Path) -> None:
    """A tree as a wheel has it: the extension finds the library in a directory beside its own, by ``$ORIGIN``."""
    library = build.shared(at / "site/pkg.libs/libanswer.so", ANSWER)
    build.shared(at / "site/pkg/_core.so", PLUGIN, str(library), "-Wl,-rpath,$ORIGIN/../pkg.libs")


def test_a_library_of_a_tree_that_is_sent_elsewhere_finds_its_neighbours_there(host: Path, tmp_path: Path) -> None:
    wheel(tmp_path)
    tree = packed(tmp_path / "tree", host, "--include=site:/srv/site", cwd=tmp_path)
    assert run(tree, "/host", "/srv/site/pkg/_core.so") == "42\n"
    assert not [name for name in names(tree) if name.startswith(str(tmp_path))]


def test_one_that_is_sent_away_from_its_neighbours_is_refused(host: Path, tmp_path: Path) -> None:
    """At its source it would load: the image's place decides."""
    wheel(tmp_path)
    done = scratchpack(host, "--include=site/pkg/_core.so:/srv/_core.so", cwd=tmp_path)
    assert done.status == 4
    assert "libanswer.so: not found, needed by /srv/_core.so" in done.err
    assert "/srv/../pkg.libs/libanswer.so" in done.err


@pytest.mark.parametrize(
    ("rpath", "at", "sent"),
    [
        ("/opt/app/lib", "/opt/app/bin/app", "/opt/app/lib"),
        ("$ORIGIN/../lib", "/opt/app/bin/app", "/opt/app/lib"),
        ("$ORIGIN/lib", None, "/lib"),
        ("/nowhere", None, "/usr/lib"),
        ("/nowhere", None, "/lib"),  # a link to /usr/lib where the root has one
    ],
)
def test_an_included_library_satisfies_the_loader_at_its_destination(
    rpath: str, at: str | None, sent: str, tmp_path: Path
) -> None:
    library = build.shared(tmp_path / "stage/libanswer.so", ANSWER)
    program = build.cc(tmp_path / "app", ASKS, str(library), f"-Wl,-rpath,{rpath}")
    words = [] if at is None else [f"--at={at}"]
    tree = packed(tmp_path / "tree", program, *words, f"--include=stage:{sent}", cwd=tmp_path)
    assert run(tree, at or "/app") == "42\n"
    assert not [name for name in names(tree) if name.startswith(str(tmp_path))]


def test_what_a_member_of_a_directory_misses_is_a_warning_and_what_was_named_misses_is_an_error(
    host: Path, tmp_path: Path
) -> None:
    library = build.shared(tmp_path / "gone/libanswer.so", ANSWER)
    build.shared(tmp_path / "plugins/optional.so", PLUGIN, str(library))
    build.cc(tmp_path / "plugins/tool", ASKS, str(library))
    build.shared(tmp_path / "plugins/works.so", "int plugin(void) { return 7; }\n")
    library.unlink()
    err = said(tmp_path / "tree", host, "--include=plugins:/plugins", cwd=tmp_path)
    assert "/plugins/optional.so could not be loaded: libanswer.so" in err
    assert "/plugins/tool would not start: libanswer.so" in err
    assert "works.so could not" not in err
    assert run(tmp_path / "tree", "/host", "/plugins/works.so") == "7\n"
    for name in ("optional.so", "tool"):
        done = scratchpack(host, f"--include=plugins/{name}", cwd=tmp_path)
        assert done.status == 4, done.err
        assert "libanswer.so: not found" in done.err


def test_libraries_beside_a_script_are_opened_by_its_interpreter(host: Path, tmp_path: Path) -> None:
    wheel(tmp_path)
    (tmp_path / "run").write_text("#!/bin/sh\n")
    (tmp_path / "run").chmod(0o755)
    tree = packed(tmp_path / "tree", "run", "--include=site:/site", "--include", f"{host}:/host", cwd=tmp_path)
    assert run(tree, "/host", "/site/pkg/_core.so") == "42\n"


def test_what_is_left_out_brings_nothing(host: Path, tmp_path: Path) -> None:
    build.shared(tmp_path / "plugins/zip.so", "void deflate(void); void plugin(void) { deflate(); }\n", "-lz")
    whole = packed(tmp_path / "whole", host, "--include=plugins:/plugins", cwd=tmp_path)
    assert any("libz.so" in name for name in names(whole))
    for glob in ("zip.so", "/plugins/*.so"):
        tree = packed(
            tmp_path / glob.strip("/*"), host, "--include=plugins:/plugins", f"--exclude={glob}", cwd=tmp_path
        )
        assert not any("libz.so" in name for name in names(tree)), glob


def test_the_needs_of_an_included_program_are_examined(tmp_path: Path) -> None:
    quiet = build.cc(tmp_path / "quiet", "int main(void) { return 0; }\n", "-static")
    build.cc(
        tmp_path / "tools/keeps",
        '#include <stdlib.h>\nint main(void) { char n[] = "/tmp/aXXXXXX"; return mkstemp(n) < 0; }\n',
    )
    alone = packed(tmp_path / "alone", quiet, cwd=tmp_path)
    assert not (alone / "tmp").exists()
    tree = packed(tmp_path / "tree", quiet, "--include=tools:/tools", cwd=tmp_path)
    assert (tree / "tmp").stat().st_mode & 0o7777 == 0o1777
    run(tree, "/tools/keeps")


def test_a_link_of_an_included_tree_that_leads_nowhere_is_named_with_what_mends_it(host: Path, tmp_path: Path) -> None:
    for name in ("releases/1", "shared"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "shared/app.ini").write_text("k = v\n")
    (tmp_path / "releases/1/app.ini").symlink_to("../../shared/app.ini")
    (tmp_path / "releases/1/here").symlink_to("app.ini")
    (tmp_path / "releases/1/gone").symlink_to("/no/such/thing")
    (tmp_path / "current").symlink_to("releases/1")
    err = said(tmp_path / "one", host, "--include=current:/srv/app", cwd=tmp_path)
    mend = f"--include {tmp_path}/shared/app.ini:/shared/app.ini"
    assert f"/srv/app/app.ini -> ../../shared/app.ini leads nowhere in the image: add {mend}" in err
    assert "/srv/app/gone -> /no/such/thing leads nowhere in the image: it leads nowhere at its source either" in err
    err = said(tmp_path / "two", host, "--include=current:/srv/app", *mend.split(), cwd=tmp_path)
    assert "app.ini ->" not in err.replace("link  /srv/app/app.ini ->", "")
    assert (tmp_path / "two/srv/app/app.ini").read_text() == "k = v\n"


def test_nothing_that_is_included_replaces_the_program(host: Path, tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/host").symlink_to("host-1.2")
    (tmp_path / "other").write_text("text")
    err = said(tmp_path / "tree", host, "--at=/srv/host", "--include=dist:/srv", cwd=tmp_path)
    assert "/srv/host of --include dist:/srv is left out: the program itself stands there" in err
    assert (tmp_path / "tree/srv/host").read_bytes() == host.read_bytes()
    done = scratchpack(host, "--include=other:/host", cwd=tmp_path)
    assert done.status == 2
    assert "the program itself stands at /host" in done.err
    shutil.copy(host, tmp_path / "dist/same")
    os.link(host, tmp_path / "copy")
    packed(tmp_path / "again", host, "--include=copy:/host", cwd=tmp_path)  # the very same file


@pytest.mark.parametrize("place", ["/proc/x", "/dev/x", "/sys/x"])
def test_nothing_is_sent_where_every_engine_mounts_its_own(place: str, host: Path, tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    done = scratchpack(host, f"--include=x:{place}", cwd=tmp_path)
    assert done.status == 2
    assert place in done.err


def test_a_library_that_the_build_left_elsewhere_goes_where_the_loader_looks(tmp_path: Path) -> None:
    """Also one that only another of them needs; and nothing else of the directory travels."""
    inner = build.shared(tmp_path / "build/lib/libinner.so.1", ANSWER, "-Wl,-soname,libinner.so.1")
    outer = build.shared(tmp_path / "build/lib/libanswer.so", "int inner(void);\n", "-Wl,--no-as-needed", str(inner))
    build.shared(tmp_path / "build/lib/libunused.so", ANSWER)
    program = build.cc(tmp_path / "app", "int main(void) { return 0; }\n", "-Wl,--no-as-needed", str(outer))
    assert scratchpack(program, cwd=tmp_path).status == 4
    tree = packed(tmp_path / "tree", program, "--library-path=build/lib", cwd=tmp_path)
    assert run(tree, "/app") == ""
    found = names(tree)
    assert not [name for name in found if "libunused" in name or name.startswith(str(tmp_path))]
    assert {Path(name).name for name in found} >= {"libinner.so.1", "libanswer.so"}


def test_the_build_path_that_a_program_still_names_does_not_travel_with_library_path(tmp_path: Path) -> None:
    library = build.shared(tmp_path / "build/libanswer.so", ANSWER)
    program = build.cc(tmp_path / "app", ASKS, str(library), f"-Wl,-rpath,{library.parent}")
    tree = packed(tmp_path / "tree", program, "--library-path=build", cwd=tmp_path)
    assert run(tree, "/app") == "42\n"
    assert not [name for name in names(tree) if name.startswith(str(tmp_path))]


def test_a_library_path_that_is_no_directory_is_refused(host: Path, tmp_path: Path) -> None:
    done = scratchpack(host, "--library-path=gone", cwd=tmp_path)
    assert done.status == 2
    assert "gone" in done.err


def test_an_included_file_takes_nothing_away_from_what_the_program_opens(tmp_path: Path) -> None:
    """A library is opened from a directory that the program loads from at start: with and without --include it travels."""
    library = build.shared(tmp_path / "libs/libanswer.so", ANSWER)
    build.shared(tmp_path / "libs/libplug.so", PLUGIN, str(library))
    source = ASKS.replace(
        "int main(void) {", 'void *dlopen(const char *, int);\nint main(void) { dlopen("libplug.so", 2);'
    )
    assert source != ASKS
    program = build.cc(tmp_path / "app/tool", source, str(library), f"-Wl,-rpath,{tmp_path}/libs")
    (tmp_path / "note").write_text("text")
    for out, words in (("bare", ()), ("with", ("--include=note:/note",))):
        tree = packed(tmp_path / out, program, *words, cwd=tmp_path)
        assert [name for name in names(tree) if "libplug" in name] == [f"{tmp_path}/libs/libplug.so"], out
