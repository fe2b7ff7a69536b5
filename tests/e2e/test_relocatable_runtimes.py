"""What moves, moves whole: a runtime that finds its data from where it lies itself still finds it in the image."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support import build, tools
from tests.support.cli import scratchpack
from tests.support.tree import names, run

LIBRARY = Path("/usr/lib/python3.11")
LEFT = shutil.ignore_patterns(
    "__pycache__", "test", "tests", "idlelib", "config-*", "dist-packages", "pydoc_data", "lib2to3"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that was installed outside of /usr, as a release of it is unpacked."""
    if not (LIBRARY / "os.py").exists():
        pytest.skip("needs Debian's python3.11")
    home = tmp_path_factory.mktemp("runtime") / "py"
    (home / "bin").mkdir(parents=True)
    shutil.copy("/usr/bin/python3.11", home / "bin")
    shutil.copytree(LIBRARY, home / "lib/python3.11", ignore=LEFT)
    return home


def test_its_library_moves_with_it_and_the_report_says_so(home: Path, tmp_path: Path) -> None:
    done = scratchpack("pack", home / "bin/python3.11", "-o", "type=local,dest=tree", cwd=tmp_path)
    assert done.status == 0, done.err
    assert f"moves with it: {home} is /app in the image" in done.err
    assert run(tmp_path / "tree", "/app/bin/python3.11", "-c", "import ctypes, sys; print(sys.prefix)") == "/app\n"
    assert not [name for name in names(tmp_path / "tree") if name.startswith(str(home))]


def test_at_places_the_whole_of_it(home: Path, tmp_path: Path) -> None:
    at = "/opt/python/bin/python3.11"
    done = scratchpack("pack", home / "bin/python3.11", "--at", at, "-o", "type=local,dest=tree", cwd=tmp_path)
    assert done.status == 0, done.err
    assert run(tmp_path / "tree", at, "-c", "import sys; print(sys.prefix)") == "/opt/python\n"
    done = scratchpack(home / "bin/python3.11", "--at", "/opt/python3.11", cwd=tmp_path)
    assert done.status == 2
    assert "/bin/python3.11" in done.err


def test_a_tree_that_names_itself_by_an_absolute_path_stays_where_it_is(home: Path, tmp_path: Path) -> None:
    """A virtual environment's own file says where its Python lies."""
    whole = tmp_path / "env"
    shutil.copytree(home, whole, symlinks=True)
    (whole / "pyvenv.cfg").write_text(f"home = {whole}/bin\n")
    done = scratchpack("pack", whole / "bin/python3.11", "-o", "type=local,dest=tree", cwd=tmp_path)
    assert done.status == 0, done.err
    assert f"keeps its path {whole}/bin/python3.11" in done.err
    assert (tmp_path / "tree" / str(whole)[1:] / "bin/python3.11").is_file()
    assert (tmp_path / "tree" / str(whole)[1:] / "lib/python3.11/os.py").is_file()


def test_a_java_image_moves_with_its_modules(tmp_path: Path) -> None:
    """What jlink makes finds ``lib/modules`` and ``lib/server/libjvm.so`` from where ``bin/java`` lies."""
    jlink = tools.need("jlink", package="default-jdk-headless")
    build.run([jlink, "--add-modules", "java.base", "--strip-debug", "--output", tmp_path / "jre"])
    done = scratchpack("pack", "jre/bin/java", "-o", "type=local,dest=tree", cwd=tmp_path)
    assert done.status == 0, done.err
    assert f"moves with it: {tmp_path}/jre is /app in the image" in done.err
    assert "java.base" in run(tmp_path / "tree", "/app/bin/java", "--list-modules")
