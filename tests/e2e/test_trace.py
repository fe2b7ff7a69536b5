"""A run shows what no string does: ``pack --trace``, ``--minimize``, ``--trace-to`` and ``--trace-from``, ``verify --trace`` (W30, W31, W34)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests.support import build
from tests.support.cli import HOME, Run, scratchpack

if TYPE_CHECKING:
    from pathlib import Path

# Opens what its words name, after @ only if it is there; writes below +; its exit status is what is missing.
READER = r"""
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
int main(int argc, char **argv) {
    char piece[256];
    int missing = 0;
    for (int at = 1; at < argc; at++) {
        char *name = argv[at] + (strchr("@+%!", argv[at][0]) != 0);
        if (argv[at][0] == '+') { int made = open(name, O_WRONLY | O_CREAT, 0600); printf("%s\n", made < 0 ? "cannot write" : "written"); continue; }
        if (argv[at][0] == '%') { DIR *list = opendir(name); while (list && readdir(list)) ; continue; }
        if (argv[at][0] == '!') { if (!fork()) { char *words[] = {name, 0}; execv(name, words); _exit(9); } wait(0); continue; }
        FILE *file = fopen(name, "r");
        if (!file) { missing += argv[at][0] != '@'; continue; }
        while (fgets(piece, sizeof piece, file)) fputs(piece, stdout);
        fclose(file);
    }
    if (getenv("MORE")) printf("more %s\n", getenv("MORE"));
    while (fgets(piece, sizeof piece, stdin)) printf("read %s", piece);
    return missing;
}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root filesystem with a static program and files that no package owns."""
    root = tmp_path_factory.mktemp("trace") / "root"
    for name in (
        "srv/data",
        "srv/more",
        "srv/plugins/one",
        "srv/plugins/two",
        "home/joe/notes",
        "etc/shadow",
        "proc/x",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{name}\n")
    (root / "etc/shadow").chmod(0o600)
    (root / "srv/link").symlink_to("data")
    build.cc(root / "usr/bin/reader", READER, "-static")
    build.cc(root / "usr/bin/other", '#include <stdio.h>\nint main(void) { puts("other"); return 0; }', "-static")
    return root


def pack(root: Path, home: Path, *words: str, status: int = 0) -> Run:
    """Pack the program of that root with these words of its own behind ``--``."""
    options = ("--root", str(root), "-o", "type=docker,dest=app.tar", "--metadata-file", "app.json")
    done = scratchpack("pack", "/usr/bin/reader", *options, *words, cwd=home)
    assert done.status == status, done.err
    return done


def files(home: Path) -> dict[str, Any]:
    """What was packed: a path and its reasons."""
    document = json.loads((home / "app.json").read_text())
    return {item["path"]: item["because"] for item in document["files"]}


def test_what_a_run_opens_is_added_with_its_reason_and_the_result_is_run(root: Path, tmp_path: Path) -> None:
    done = pack(root, tmp_path, "--trace", "--", "/srv/link", "!/usr/bin/other")
    packed = files(tmp_path)
    assert packed["/srv/data"] == [
        {"kind": "option", "by": "--trace", "detail": "opened at run time by /usr/bin/reader"}
    ]
    assert {"/srv/link", "/usr/bin/other"} <= packed.keys()
    assert "/srv/more" not in packed
    assert "run twice: traced in" in done.err
    assert done.out == "app.tar\n"
    ran = scratchpack("verify", "--run", "app.tar", "--", "/srv/link", "!/usr/bin/other", cwd=tmp_path)
    assert ran.out.startswith("srv/data\nother\n") or ran.out.startswith("other\nsrv/data\n")


def test_what_is_private_is_named_with_the_option_that_adds_it_and_not_taken(root: Path, tmp_path: Path) -> None:
    """W30: the run is the user's own act, and what it opened of a home or a secret still lands in no image by the way."""
    words = ("@/home/joe/notes", "@/etc/shadow", "/srv/data")
    done = pack(root, tmp_path, "--trace", "--", *words)
    assert not files(tmp_path).keys() & {"/home/joe/notes", "/etc/shadow"}
    assert "/srv/data" in files(tmp_path)
    assert "not taken: /home/joe/notes, which it opened" in done.err
    assert "add it with --include /home/joe/notes" in done.err
    pack(root, tmp_path, "--trace", "--include", "/home/joe/notes", "--", *words)
    assert "/home/joe/notes" in files(tmp_path)


def test_what_does_not_run_as_it_did_in_the_source_root_is_not_published(root: Path, tmp_path: Path) -> None:
    done = pack(root, tmp_path, "--trace", "--", "/home/joe/notes", status=6)
    assert "what was packed does not run as it did in the source root" in done.err
    done = pack(root, tmp_path, "--trace", "--", "/nowhere", status=6)
    assert "it ended with status 1, expected was 0" in done.err
    assert not list(tmp_path.iterdir())
    pack(root, tmp_path, "--trace", "--expect-exit", "1", "--", "/nowhere")


def test_a_directory_that_was_listed_and_a_write_that_failed_are_said_with_their_options(
    root: Path, tmp_path: Path
) -> None:
    done = pack(root, tmp_path, "--trace", "--", "%/srv/plugins", "+/srv/new", "+/tmp/new")
    assert "it listed /srv/plugins and opened nothing of one, two: add them with --include /srv/plugins" in done.err
    assert "it could not write in /srv: add --volume /srv" in done.err
    assert "/tmp" in files(tmp_path)
    assert not (root / "tmp").exists()


def test_only_what_was_touched_is_left_and_it_runs(root: Path, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("line\n")
    words = ("--include", "/srv/more", "-e", "MORE=yes", "--stdin", "in")
    done = pack(root, tmp_path, "--minimize", "--need", "shell=never", *words, "--", "/srv/data")
    assert {path for path in files(tmp_path) if path.count("/") > 1} == {"/srv/data", "/srv/more", "/usr/bin/reader"}
    assert "srv/data\nmore yes\nread line\n" in done.err
    seen = scratchpack("verify", "--trace", "--json", "app.tar", "--stdin", "in", "--", "/srv/data", cwd=tmp_path)
    document = json.loads(seen.out)
    jsonschema.validate(document, json.loads((HOME / "docs/schema/verify.json").read_text()))
    trace = document["verdicts"][-1]["trace"]
    assert [item["path"] for item in trace["untouched"]] == ["/srv/more"]  # named by the user: it stays
    assert trace["untouched_bytes"] == len("srv/more\n")


def test_runs_are_files_that_merge_and_nothing_runs_where_they_are_read(root: Path, tmp_path: Path) -> None:
    pack(root, tmp_path, "--trace", "--trace-to", "one.trace", "--", "/srv/data")
    pack(root, tmp_path, "--trace", "--trace-from", "one.trace", "--trace-to", "both.trace", "--", "/srv/more")
    assert {"/srv/data", "/srv/more"} <= files(tmp_path).keys()
    lines = (tmp_path / "both.trace").read_text().splitlines()
    assert lines[1:] == sorted(lines[1:])
    assert str(tmp_path) not in "".join(lines)
    done = pack(root, tmp_path, "--trace-from", "both.trace")
    assert {"/srv/data", "/srv/more"} <= files(tmp_path).keys()
    assert "run twice" not in done.err
    again = (tmp_path / "app.tar").read_bytes()
    pack(root, tmp_path, "--trace-from", "both.trace")
    assert (tmp_path / "app.tar").read_bytes() == again
    (tmp_path / "plain").write_text(
        'execve("/usr/bin/reader", ["reader"], 0x7 /* 1 var */) = 0\nopen("/srv/more", O_RDONLY) = 3\n'
    )
    pack(root, tmp_path, "--trace-from", "plain")
    assert "/srv/more" in files(tmp_path)
    assert "/srv/data" not in files(tmp_path)


def test_an_image_says_what_it_lacks_and_what_nobody_touched(root: Path, tmp_path: Path) -> None:
    pack(root, tmp_path, "--include", "/srv/more")
    words = ("--expect-exit", "1", "--source-root", str(root), "--", "/srv/data", "@/nowhere", "%/srv")
    done = scratchpack("verify", "--trace", "app.tar", *words, cwd=tmp_path)
    assert "missing in the image, and in the source root: /srv/data\n" in done.out
    assert "nobody touched: /srv/more (9 bytes)\n" in done.out
    assert "listed, and what lies there may be plug-ins: /srv\n" in done.out
    document = json.loads(scratchpack("verify", "--json", "--trace", "app.tar", *words, cwd=tmp_path).out)
    trace = document["verdicts"][-1]["trace"]
    assert (trace["missing"], trace["executed"]) == (["/srv/data"], ["/usr/bin/reader"])
    assert "/nowhere" in trace["absent"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("pack", "reader", "--trace-to", "x"), "cannot use --trace-to without --trace or --minimize"),
        (("pack", "reader", "--timeout", "3"), "cannot use --timeout without --trace or --minimize"),
        (("verify", "--run", "--seccomp", "x", "reader"), "cannot use --seccomp without --trace"),
        (("pack", "reader", "--trace-from", "gone"), "there is no such file"),
        (("pack", "reader", "--trace-from", "reader"), "cannot read the trace reader"),
    ],
)
def test_what_cannot_be_asked_is_refused(root: Path, tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    (tmp_path / "reader").write_bytes((root / "usr/bin/reader").read_bytes())
    done = scratchpack(*words, cwd=tmp_path)
    assert why in done.err
    assert done.status in {2, 3}
    assert [path.name for path in tmp_path.iterdir()] == ["reader"]
