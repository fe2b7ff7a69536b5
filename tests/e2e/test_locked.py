"""``--locked``: an image cannot grow or shrink unseen; the commands of docs/locking.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path

GROWN = "#include <stdio.h>\n#include <zlib.h>\nint main(int c, char **v) { (void)v; puts(zlibVersion()); (void)c; return 0; }\n"
LOCK = ("--locked", "app.lock.json")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program, the image and the lock of its first build, and a second build that wants zlib."""
    home = tmp_path_factory.mktemp("locked")
    build.cc(home / "app", build.HELLO_C)
    done = scratchpack("-q", "./app", "-e", "MODE=a", "--metadata-file", "app.lock.json", cwd=home)
    assert done.status == 0, done.err
    (home / "new").mkdir()
    build.cc(home / "new/app", GROWN, "-lz")
    return home


def test_the_same_program_is_as_locked(home: Path) -> None:
    assert scratchpack("./app", "-e", "MODE=b", *LOCK, "-o", "type=docker,dest=b.tar", cwd=home).status == 0
    done = scratchpack("verify", *LOCK, "app.tar", cwd=home)
    assert done.status == 0, done.out
    assert "lock app.lock.json: OK" in done.out
    assert scratchpack("verify", "-e", "MODE=b", *LOCK, "./app", cwd=home).status == 0


def test_what_is_new_and_what_is_gone_is_named_and_nothing_is_written(home: Path) -> None:
    done = scratchpack("new/app", *LOCK, "-o", "type=docker,dest=new.tar", cwd=home)
    assert (done.status, done.out) == (6, "")
    assert "library libz.so.1 is new" in done.err
    assert "environment variable MODE is gone" in done.err
    assert not (home / "new.tar").exists()
    assert scratchpack("-q", "new/app", "-e", "OTHER=1", "-o", "type=docker,dest=new.tar", cwd=home).status == 0
    done = scratchpack("verify", *LOCK, "new.tar", cwd=home)
    assert done.status == 6
    for line in ("library libz.so.1 is new", "variable OTHER is new", "variable MODE is gone"):
        assert line in done.out
    done = scratchpack("verify", *LOCK, "new/app", cwd=home)
    assert (done.status, "library libz.so.1 is new" in done.out) == (6, True)


def test_a_lock_is_written_again_where_that_is_asked_for(home: Path) -> None:
    lock = ("--locked", "made.json")
    words = ("-q", "new/app", "-o", "type=docker,dest=made.tar", *lock)
    done = scratchpack(*words, cwd=home)
    assert (done.status, "no such file" in done.err) == (2, True)
    assert scratchpack(*words, "--update-lock", cwd=home).status == 0
    assert scratchpack(*words, cwd=home).status == 0
    assert scratchpack(*words, "--exclude", "**/libz.so.1*", cwd=home).status in {4, 6}
