"""``--include`` and ``--exclude``, modes, privileges, scripts: what else may be in an image, and as what."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.test_placement import ANSWER, ASKS
from tests.support import build, table, tools
from tests.support.cli import scratchpack
from tests.support.tree import names, packed, run


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A static C program."""
    return build.cc(tmp_path_factory.mktemp("include") / "hello", build.HELLO_C, "-static")


def test_files_directories_and_patterns_land_where_they_are_sent(hello: Path, tmp_path: Path) -> None:
    for name in ("web/index.html", "web/deep/a.css", "web/.hidden", "conf/a.ini", "conf/b.ini", "one.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "web/link").symlink_to("index.html")
    (tmp_path / "web/empty").mkdir()
    words = [f"--include={text}" for text in ("web:/srv/www", "conf/*.ini:/etc/app/", "one.txt", "one.txt:/as/two")]
    tree = packed(tmp_path / "tree", hello, *words, cwd=tmp_path)
    assert table.of_directory(tree) == {
        **dict.fromkeys(("/as", "/etc", "/etc/app", "/srv", "/srv/www", "/srv/www/deep", "/srv/www/empty"), "dir 0755"),
        **dict.fromkeys(("/as/two", "/etc/app/a.ini", "/etc/app/b.ini"), "file 0644"),
        **dict.fromkeys(("/srv/www/.hidden", "/srv/www/deep/a.css", "/srv/www/index.html"), "file 0644"),
        "/hello": "file 0755",
        "/one.txt": "same as /as/two",
        "/srv/www/link": "symlink index.html",
    }


@pytest.mark.parametrize("asked", ["--include=gone", "--include=gone/*.txt", "--exclude=gone", "--include=x:relative"])
def test_what_matches_nothing_is_refused(asked: str, hello: Path, tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    done = scratchpack(hello, asked, cwd=tmp_path)
    assert done.status == 2, done.err
    assert asked.partition("=")[2].partition(":")[0] in done.err
    assert not (tmp_path / "hello.tar").exists()


def test_a_file_with_a_colon_in_its_name_can_be_included(hello: Path, tmp_path: Path) -> None:
    (tmp_path / "a:b").write_text("x")
    assert "/a:b" in names(packed(tmp_path / "tree", hello, "--include=a:b", cwd=tmp_path))


def test_exclude_leaves_out_by_path_or_by_name_and_never_the_program(hello: Path, tmp_path: Path) -> None:
    for name in ("web/a.css", "web/a.map", "web/keep/b.map"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    tree = packed(tmp_path / "one", hello, "--include=web", "--exclude=*.map", cwd=tmp_path)
    assert names(tree) == ["/hello", "/web/a.css"]
    tree = packed(tmp_path / "two", hello, "--include=web", "--exclude=/web/keep", cwd=tmp_path)
    assert names(tree) == ["/hello", "/web/a.css", "/web/a.map"]
    done = scratchpack(hello, "--exclude=/hello", cwd=tmp_path)
    assert done.status == 2
    assert "the program itself" in done.err


def test_a_library_that_is_needed_cannot_be_left_out(tmp_path: Path) -> None:
    program = build.cc(tmp_path / "tool", build.HELLO_C)
    done = scratchpack(program, "--exclude=libc.so.6", cwd=tmp_path)
    assert done.status == 4
    assert "libc.so.6" in done.err


def test_an_included_program_brings_its_libraries(hello: Path, tmp_path: Path) -> None:
    build.cc(tmp_path / "other", build.HELLO_C)
    tree = packed(tmp_path / "tree", hello, "--include=other:/opt/other", cwd=tmp_path)
    assert run(tree, "/opt/other") == "hello from C\n"


def test_an_included_plugin_brings_its_libraries_also_where_it_is_sent_elsewhere(tmp_path: Path) -> None:
    library = build.shared(tmp_path / "deps/libanswer.so", ANSWER)
    build.shared(
        tmp_path / "plugin.so",
        "int answer(void); int plugin(void) { return answer(); }\n",
        str(library),
        f"-Wl,-rpath,{library.parent}",
    )
    opens = (
        "#include <dlfcn.h>\n#include <stdio.h>\nint main(int n, char **v) {\n"
        "  void *h = dlopen(v[1], RTLD_NOW); if (!h) { puts(dlerror()); return 1; }\n"
        '  printf("%d\\n", ((int (*)(void))dlsym(h, "plugin"))()); return 0; }\n'
    )
    program = build.cc(tmp_path / "host", opens)
    tree = packed(tmp_path / "tree", program, "--include=plugin.so:/srv/plugins/plugin.so", cwd=tmp_path)
    assert str(library) in names(tree)
    assert "/srv/plugins/plugin.so" in names(tree)
    assert run(tree, "/host", "/srv/plugins/plugin.so") == "42\n"
    library.unlink()
    done = scratchpack(program, "--include=plugin.so:/srv/plugins/plugin.so", cwd=tmp_path)
    assert done.status == 4
    assert "libanswer.so: not found" in done.err


def test_a_plugin_of_the_host_finds_its_libraries_in_the_root(tmp_path: Path) -> None:
    root = packed(tmp_path / "root", Path("/usr/bin/env"), cwd=tmp_path)
    build.shared(tmp_path / "plugin.so", '#include <stdio.h>\nvoid plugin(void) { puts("x"); }\n')
    tree = packed(tmp_path / "tree", "--root", root, "/usr/bin/env", "--include=plugin.so:/plugin.so", cwd=tmp_path)
    assert "/plugin.so" in names(tree)
    build.shared(tmp_path / "other.so", "void deflate(void); void plugin(void) { deflate(); }\n", "-lz")
    done = scratchpack("--root", root, "/usr/bin/env", "--include=other.so:/plugin.so", cwd=tmp_path)
    assert done.status == 4
    assert "libz.so.1: not found, needed by /plugin.so" in done.err


def test_names_are_bytes_and_are_escaped_for_a_person(hello: Path, tmp_path: Path) -> None:
    """S11."""
    data = os.fsencode(tmp_path) + b"/data"
    os.mkdir(data)
    for name in (b"caf\xe9", b"bell\x07", b"line\nend", b"esc\x1b[2J"):
        with open(data + b"/" + name, "wb"):
            pass
    tree = packed(tmp_path / "tree", hello, "--include=data", cwd=tmp_path)
    assert sorted(os.listdir(os.fsencode(tree) + b"/data")) == sorted(os.listdir(data))
    done = scratchpack("inspect", hello, "--include=data", "--verbose", cwd=tmp_path)
    assert done.status == 0, done.err
    assert not set(done.out) & {"\x07", "\x1b"}
    assert {r"caf\xe9", r"bell\x07", r"line\nend", r"esc\x1b[2J"} <= {
        Path(word).name for line in done.out.splitlines() for word in line.split() if word.startswith("/data/")
    }


def test_modes_of_a_build_under_a_strict_umask_are_made_usable_and_kept_on_request(tmp_path: Path) -> None:
    library = build.shared(tmp_path / "home/lib/libanswer.so", ANSWER)
    program = build.cc(tmp_path / "home/tool", ASKS, str(library), "-Wl,-rpath,$ORIGIN/lib")
    (tmp_path / "home/data").write_text("x")
    for path, mode in ((library, 0o600), (program, 0o700), (tmp_path / "home/data", 0o640)):
        path.chmod(mode)

    ours = {"/app/tool", "/app/lib/libanswer.so", "/data"}
    made = table.of_directory(packed(tmp_path / "one", program, "--include=home/data", cwd=tmp_path))
    assert {path: line for path, line in made.items() if path in ours} == {
        "/app/tool": "file 0755",
        "/app/lib/libanswer.so": "file 0644",
        "/data": "file 0644",
    }
    words = ("--include=home/data", "--preserve-modes")
    kept = table.of_directory(packed(tmp_path / "two", program, *words, cwd=tmp_path))
    assert {path: line for path, line in kept.items() if path in ours} == {
        "/app/tool": "file 0700",
        "/app/lib/libanswer.so": "file 0600",
        "/data": "file 0640",
    }


def test_setuid_is_dropped_and_said_and_kept_on_request(hello: Path, tmp_path: Path) -> None:
    """S15."""
    program = tmp_path / "suid"
    program.write_bytes(hello.read_bytes())
    program.chmod(0o4755)
    done = scratchpack("pack", program, "-o", "type=local,dest=one", cwd=tmp_path)
    assert "setuid bit dropped" in done.err
    assert table.of_directory(tmp_path / "one") == {"/suid": "file 0755"}
    kept = packed(tmp_path / "two", program, "--preserve-privileges")
    assert table.of_directory(kept) == {"/suid": "file 4755"}


def test_file_capabilities_are_dropped_and_said_and_kept_on_request(hello: Path, tmp_path: Path) -> None:
    """S15."""
    program = tmp_path / "able"
    program.write_bytes(hello.read_bytes())
    program.chmod(0o755)
    capability = bytes.fromhex("0100000200040000000000000000000000000000")  # cap_net_bind_service=ep
    try:
        os.setxattr(program, "security.capability", capability)
    except OSError:
        pytest.skip("file capabilities cannot be set here")
    done = scratchpack("pack", program, "-o", "type=local,dest=one", cwd=tmp_path)
    assert "file capabilities and extended attributes dropped" in done.err
    assert os.listxattr(tmp_path / "one/able") == []
    kept = packed(tmp_path / "two", program, "--preserve-privileges")
    assert os.getxattr(kept / "able", "security.capability") == capability


def test_a_program_that_keeps_its_privileges_is_resolved_as_the_loader_does_for_it(tmp_path: Path) -> None:
    """R6: with AT_SECURE neither the library path nor $ORIGIN outside of the system's directories is honoured."""
    library = build.shared(tmp_path / "lib/libanswer.so", ANSWER)
    program = build.cc(tmp_path / "tool", ASKS, str(library))
    program.chmod(0o4755)
    words = ("-e", f"LD_LIBRARY_PATH={library.parent}", "-o", "type=local,dest=tree")
    assert scratchpack("pack", program, *words, cwd=tmp_path).status == 0
    kept = scratchpack("pack", program, "--preserve-privileges", "--force", *words, cwd=tmp_path)
    assert kept.status == 4
    assert "libanswer.so: not found" in kept.err


SCRIPTS = {
    "sh": ("#!/bin/sh\necho from $0\n", "from /script\n"),
    "env": ("#!/usr/bin/env sh\necho by env\n", "by env\n"),
    "split": ("#!/usr/bin/env -S sh -e\necho by env -S\n", "by env -S\n"),
}


@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_script_runs_from_its_tree_with_its_interpreters(kind: str, tmp_path: Path) -> None:
    """R16."""
    text, said = SCRIPTS[kind]
    script = tmp_path / "script"
    script.write_text(text)
    script.chmod(0o644)
    tree = packed(tmp_path / "tree", script)
    assert run(tree, "/script", env={"PATH": "/usr/bin:/bin"}) == said


def test_a_python_script_has_python_and_python_finds_its_library(tmp_path: Path) -> None:
    tools.need("/usr/bin/python3", package="python3")
    script = tmp_path / "script"
    script.write_text("#!/usr/bin/env python3\nimport json\nprint(json.dumps({'a': 1}))\n")
    tree = packed(tmp_path / "tree", script)
    assert run(tree, "/script", env={"PATH": "/usr/bin:/bin"}) == '{"a": 1}\n'


def test_a_script_whose_interpreter_is_not_there_says_so(tmp_path: Path) -> None:
    for line in ("#!/opt/none/bin/sh", "#!/usr/bin/env no-such-interpreter"):
        (tmp_path / "script").write_text(line + "\n")
        done = scratchpack("./script", cwd=tmp_path)
        assert (done.status, done.out) == (4, "")
        assert line.rpartition(" ")[2].removeprefix("#!") in done.err
        assert os.listdir(tmp_path) == ["script"]
