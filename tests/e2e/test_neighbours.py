"""N51: what stands beside a program and in its own strings is offered in one line, and that line makes it run."""

from __future__ import annotations

import re
import shlex
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support import build
from tests.support.cli import scratchpack
from tests.support.tree import run

if TYPE_CHECKING:
    from pathlib import Path

# Finds its own place as compilers do, starts its neighbour and reads its data.
DRIVER = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
    char self[4096], path[8192], text[64] = "";
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    self[size < 0 ? 0 : size] = 0;
    *strrchr(self, '/') = 0;
    snprintf(path, sizeof path, "%s/%s", self, "cc9");
    if (access(path, X_OK)) { puts("no compiler"); return 3; }
    snprintf(path, sizeof path, "%s/%s/greeting", self, "../share/tool-1.2");
    FILE *data = fopen(path, "r");
    if (!data || !fgets(text, sizeof text, data)) { puts("no data"); return 4; }
    fputs(text, stdout);
    return 0;
}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tool as its makers ship it, unpacked somewhere: a driver, its compiler, data in ``../share``, and things that it does not name."""
    home = tmp_path_factory.mktemp("tool")
    for name in ("bin", "share/tool-1.2", "share/doc", "share/other-3.4", "lib/pkgconfig"):
        (home / name).mkdir(parents=True)
    build.cc(home / "bin/driver", DRIVER)
    shutil.copy("/bin/true", home / "bin/cc9")
    shutil.copy("/bin/true", home / "bin/unrelated")
    (home / "share/tool-1.2/greeting").write_text("found\n")
    (home / "share/doc/driver.txt").write_text("x")
    return home


def _line(err: str) -> str:
    return next((line for line in err.splitlines() if "beside " in line), "")


def test_the_line_names_the_neighbours_and_its_options_make_the_program_run(home: Path, tmp_path: Path) -> None:
    done = scratchpack("pack", home / "bin/driver", "-o", "type=local,dest=alone", cwd=tmp_path)
    assert done.status == 0, done.err
    line = _line(done.err)
    assert "stand cc9, ../share/tool-1.2, which it names: --at /app/bin/driver --include " in line
    assert not re.search(r"unrelated|other-3.4|share/doc|pkgconfig", line)

    offered = shlex.split(line.partition("names: ")[2])
    again = scratchpack("pack", home / "bin/driver", *offered, "-o", "type=local,dest=tree", cwd=tmp_path)

    assert again.status == 0, again.err
    assert run(tmp_path / "tree", "/app/bin/driver") == "found\n"
    assert _line(again.err) == ""


def test_what_is_typed_relative_is_offered_relative(home: Path) -> None:
    done = scratchpack("pack", "./driver", "--dry-run", cwd=home / "bin")

    assert "--include cc9:/app/bin/cc9 --include ../share/tool-1.2:/app/share/tool-1.2" in done.err


def test_inspect_says_it_too(home: Path) -> None:
    assert "stand cc9, ../share/tool-1.2" in _line(scratchpack("inspect", home / "bin/driver").out)


def test_many_files_of_one_shape_are_offered_with_their_directory(tmp_path: Path) -> None:
    """A compiler makes the names of its libraries at run time, and holds the name of one."""
    build.cc(tmp_path / "tsc", '#include <stdio.h>\nint main(void) { return fopen("lib.d.ts", "r") == 0; }\n')
    for name in ("lib.d.ts", "lib.es5.d.ts", "lib.dom.d.ts", "lib.es6.d.ts", "lib.es7.d.ts", "other.d.js"):
        (tmp_path / name).write_text("x")

    line = _line(scratchpack("pack", "./tsc", "--dry-run", cwd=tmp_path).err)

    assert "stand lib.d.ts, " in line
    assert "--at /app/tsc --include .:/app" in line
    assert "other" not in line


@pytest.mark.parametrize(
    "strings",
    ['"main.c"', '"README.md"', '"package.json"', '"my-cc9-notes"', '"/usr/share/tool"', '"greeting"', '"data"'],
    ids=str,
)
def test_sources_manifests_and_words_are_no_neighbours(strings: str, tmp_path: Path) -> None:
    for name in ("main.c", "README.md", "package.json", "cc9", "tool", "greeting"):
        (tmp_path / name).write_text("x")
    (tmp_path / "data").mkdir()
    build.cc(tmp_path / "app", f"#include <stdio.h>\nint main(void) {{ puts({strings}); return 0; }}\n")

    done = scratchpack("pack", "./app", "--dry-run", cwd=tmp_path)

    assert done.status == 0, done.err
    assert _line(done.err) == ""
