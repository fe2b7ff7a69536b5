"""The index knows what the needs' own files know, and start-up imports none of those files."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scratchpack.config import Options
from scratchpack.needs.system.driver import _PREFIXES
from scratchpack.pipeline.plan import plan
from tests.support import build
from tests.support.cli import HOME

if TYPE_CHECKING:
    from pathlib import Path


def test_no_file_of_a_need_is_imported_before_something_was_seen_of_it() -> None:
    ask = (
        "import sys; import scratchpack.needs.decide;"
        "print([name for name in sys.modules if name.startswith('scratchpack.needs.') and name.count('.') > 2])"
    )
    done = subprocess.run([sys.executable, "-c", ask], cwd=HOME, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("prefix", _PREFIXES)
def test_each_library_of_the_driver_that_is_left_out_brings_the_variables_that_mount_it(
    prefix: str, tmp_path: Path
) -> None:
    """N23: whether the program asks for it, or a library that it loads does."""
    name = f"{prefix}ml.so.1" if prefix.endswith("-") else f"{prefix}.1"
    (tmp_path / "driver").mkdir()
    rpath = f"-Wl,-rpath,{tmp_path / 'driver'}"
    driver = build.shared(tmp_path / "driver" / name, "int driver(void) { return 0; }\n", f"-Wl,-soname,{name}")
    between = build.shared(
        tmp_path / "driver/libx.so", "int driver(void);\nint x(void) { return driver(); }\n", str(driver), rpath
    )
    own = build.cc(tmp_path / "own", "int driver(void);\nint main(void) { return driver(); }\n", str(driver), rpath)
    theirs = build.cc(tmp_path / "theirs", "int x(void);\nint main(void) { return x(); }\n", str(between), rpath)

    for program in (own, theirs):
        (made,) = plan([str(program)], Options())

        assert dict(made.config.env)["NVIDIA_VISIBLE_DEVICES"] == "all"
        assert not [entry.path for entry in made.rootfs if entry.path.endswith(name)]
