"""A name that stops the start is never forgiven because something also opens it, or seems to (issue 12, Deliver 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scratchpack.config import Options
from scratchpack.loader.model import LoaderEnv
from scratchpack.pipeline.inspect import inspect
from scratchpack.pipeline.loading import Loading
from scratchpack.pipeline.locate import locate
from scratchpack.pipeline.verify import verify
from scratchpack.sysroot.dirroot import DirRoot
from tests.support.build import cc, run, shared
from tests.support.cli import scratchpack
from tests.support.hostile_elf import glibc_root

if TYPE_CHECKING:
    from pathlib import Path

OPENS = '#include <dlfcn.h>\nint gone(void);\nint main(int n, char **v) { gone(); return !dlopen(n ? "%s" : v[0], RTLD_NOW); }\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a C library and a program that needs what is gone, calls dlopen, and has its name in a string."""
    root = glibc_root(tmp_path / "root")
    shared(tmp_path / "libgone.so.1", "int gone(void) { return 0; }\n")
    words = (str(tmp_path / "libgone.so.1"), "-Wl,--no-as-needed")
    cc(root / "app", OPENS % "libgone.so.1", *words)
    return root


def test_inspect_and_verify_report_a_missing_library_of_a_program_that_opens_others(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = inspect("/app", Options(root=str(root)))
    assert [(problem.kind, problem.name) for problem in plan.closure.errors] == [("missing", "libgone.so.1")]
    assert scratchpack("inspect", "/app", "--root", root).status == 4
    monkeypatch.chdir(root)
    [verdict] = verify("app", Options(root=str(root)))
    assert any("libgone.so.1" in issue for issue in verdict.issues)


def test_a_missing_loader_stays_missing_when_its_name_stands_in_a_string(root: Path) -> None:
    cc(
        root / "app",
        OPENS.replace("int gone(void);", "").replace("gone();", "") % "/lib/ld-gone.so.2",
        "-Wl,--dynamic-linker=/lib/ld-gone.so.2",
    )
    plan = inspect("/app", Options(root=str(root)))
    assert [(problem.kind, problem.name) for problem in plan.closure.errors] == [("interp", "/lib/ld-gone.so.2")]


def test_an_open_that_finds_nothing_leaves_the_closure_as_it_was(root: Path) -> None:
    where = DirRoot(str(root))
    host = DirRoot("/")
    found = Loading(locate("/app", host, where).programs, where, LoaderEnv())
    before = found.closure
    assert found.open(0, "libguess.so", "/app") is None
    assert found.open(0, "libgone.so.1", "/app") is None
    assert found.closure == before
    assert [problem.name for problem in found.closure.errors] == ["libgone.so.1"]


def test_what_is_asked_for_at_start_is_no_evidence_of_an_open(root: Path, tmp_path: Path) -> None:
    """The same program with another name in its string shows that there would be evidence."""
    cc(root / "other", OPENS % "libguess.so.1", str(tmp_path / "libgone.so.1"), "-Wl,--no-as-needed")
    for program, expected in (("/app", []), ("/other", ["imports dlopen, string libguess.so.1"])):
        needs = inspect(program, Options(root=str(root))).needs
        assert [item.because for need in needs if need.name == "dlopen" for item in need.evidence] == expected


def test_a_hwcaps_library_without_a_baseline_packs_with_the_level_it_wants(tmp_path: Path) -> None:
    """R9: only processors of the level find it; with ``--cpu`` that is what was asked for."""
    root = glibc_root(tmp_path / "root")
    shared(tmp_path / "libx.so.1", "int x(void) { return 0; }\n", "-nostdlib")
    directory = root / "lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v2"
    directory.mkdir(parents=True)
    run(["cp", tmp_path / "libx.so.1", directory])
    cc(root / "app", "int x(void); int main(void) { return x(); }\n", str(tmp_path / "libx.so.1"))
    plan = inspect("/app", Options(root=str(root)))
    assert not plan.closure.errors
    assert any(file.path.endswith("glibc-hwcaps/x86-64-v2/libx.so.1") for file in plan.rootfs)
    assert [w for w in plan.warnings if "x86-64-v2" in w and w.startswith("libx.so.1")]
    exact = inspect("/app", Options(root=str(root), cpu="x86-64-v2"))
    assert not exact.closure.errors
    assert not [w for w in exact.warnings if w.startswith("libx.so.1")]
    baseline = inspect("/app", Options(root=str(root), cpu="baseline"))
    assert [problem.name for problem in baseline.closure.errors] == ["libx.so.1"]
