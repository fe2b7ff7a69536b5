"""N44: what a Python script imports, in its interpreter's own environment; nothing is started."""

from __future__ import annotations

import sys
import venv
from typing import TYPE_CHECKING

import pytest

from scratchpack.scripts.model import SourceText
from scratchpack.scripts.python.environment import environment
from scratchpack.scripts.python.imports import read_python
from scratchpack.scripts.python.program import PythonProgram, python_program
from scratchpack.scripts.text import ScriptError
from scratchpack.sysroot.dirroot import DirRoot

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = "/usr/bin/python3.11"


def put(root: Path, files: dict[str, str]) -> None:
    """Write the files of a root by their absolute names."""
    for name, content in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def program(tmp_path: Path, files: dict[str, str], interpreter: str = PYTHON) -> PythonProgram:
    """Read /app/main of a root with a Python 3.11 of Debian's layout and these files."""
    put(
        tmp_path,
        {
            PYTHON: "",
            "/usr/lib/python3.11/os.py": "",
            "/usr/lib/python3.11/json/__init__.py": "",
            "/usr/lib/python3.11/importlib/__init__.py": "",
            **files,
        },
    )
    with DirRoot(str(tmp_path)) as root:
        node = root.lookup("/app/main")
        assert node is not None
        return python_program(root, node, interpreter)


SITE = "/usr/lib/python3/dist-packages"


def test_imports_are_followed_through_packages_and_relative_names(tmp_path: Path) -> None:
    found = program(
        tmp_path,
        {
            "/app/main": "import json, own\nfrom pkg.sub import thing\n",
            "/app/own.py": "import importlib\nimportlib.import_module('late')\n",
            f"{SITE}/late.py": "",
            f"{SITE}/pkg/__init__.py": "from . import first\nfrom .sub import *\n",
            f"{SITE}/pkg/first.py": "from .. import nothing\n",
            f"{SITE}/pkg/sub/__init__.py": "from ..first import x\nfrom .deep import y\n",
            f"{SITE}/pkg/sub/deep.py": "",
            f"{SITE}/unused.py": "",
        },
    )
    assert set(found.modules) == {
        "/app/own.py", f"{SITE}/late.py", f"{SITE}/pkg/__init__.py", f"{SITE}/pkg/first.py",
        f"{SITE}/pkg/sub/__init__.py", f"{SITE}/pkg/sub/deep.py",
    }  # fmt: skip
    assert not found.missing


def test_an_import_that_is_nowhere_names_its_file_and_line(tmp_path: Path) -> None:
    found = program(tmp_path, {"/app/main": "import own\n", "/app/own.py": "\nimport gone.deep\n"})
    assert [(m.name, m.file, m.line, m.optional) for m in found.missing] == [("gone.deep", "/app/own.py", 2, False)]


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    import gone\nexcept ImportError:\n    gone = None\n",
        "try:\n    import gone\nexcept (ValueError, ModuleNotFoundError):\n    pass\n",
        "try:\n    pass\nexcept ImportError:\n    import gone\n",
        "def f():\n    import gone\n",
        "import sys\nif sys.platform == 'win32':\n    import gone\n",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import gone\n",
    ],
)
def test_an_import_that_the_program_may_do_without_is_optional(tmp_path: Path, text: str) -> None:
    found = program(tmp_path, {"/app/main": text, "/usr/lib/python3.11/contextlib.py": ""})
    assert [(m.name, m.optional) for m in found.missing] == [("gone", True)]


@pytest.mark.parametrize(
    "text",
    [
        "if __name__ == '__main__':\n    import gone\n",
        "try:\n    import gone\nfinally:\n    pass\n",
        "try:\n    import gone\nexcept KeyError:\n    pass\n",
        "class A:\n    import gone\n",
        "import json; __import__('gone')\n",
    ],
)
def test_an_import_that_runs_when_the_script_is_loaded_is_not_optional(tmp_path: Path, text: str) -> None:
    assert [(m.name, m.optional) for m in program(tmp_path, {"/app/main": text}).missing] == [("gone", False)]


def test_imports_for_type_checkers_are_none(tmp_path: Path) -> None:
    text = "import typing\nif typing.TYPE_CHECKING:\n    import gone\nelse:\n    import json\n"
    assert not program(tmp_path, {"/app/main": text, "/usr/lib/python3.11/typing.py": ""}).missing


def test_extension_modules_namespace_packages_and_bytecode_are_found_by_their_names(tmp_path: Path) -> None:
    found = program(
        tmp_path,
        {
            "/app/main": "import fast, stable, plain, old, space.inner, bare\n",
            f"{SITE}/fast.cpython-311-x86_64-linux-gnu.so": "",
            f"{SITE}/stable.abi3.so": "",
            f"{SITE}/plain.so": "",
            f"{SITE}/old.cpython-310-x86_64-linux-gnu.so": "",
            f"{SITE}/space/inner.py": "",
            f"{SITE}/bare.pyc": "",
        },
    )
    assert [m.name for m in found.missing] == ["old"], "of another version of Python"
    assert f"{SITE}/space/inner.py" in found.modules


def test_a_pth_file_adds_its_directories_and_its_code_is_not_run(tmp_path: Path) -> None:
    found = program(
        tmp_path,
        {
            "/app/main": "import extra\n",
            f"{SITE}/x.pth": "# a comment\nimport os; os.system('touch /x')\n../more\n/gone\n",
            "/usr/lib/python3/more/extra.py": "",
        },
    )
    assert found.modules == ("/usr/lib/python3/more/extra.py",)
    assert found.environment is not None
    assert found.environment.pth_code == ((f"{SITE}/x.pth", 2),)


@pytest.mark.parametrize(("system", "found"), [("false", False), ("true", True)])
def test_a_virtual_environment_is_read_from_pyvenv_cfg(tmp_path: Path, system: str, found: bool) -> None:
    read = program(
        tmp_path,
        {
            "/app/main": "import own, theirs\n",
            "/srv/venv/pyvenv.cfg": f"home = /usr/bin\ninclude-system-site-packages = {system}\nversion = 3.11.2\n",
            "/srv/venv/bin/python": "",
            "/srv/venv/lib/python3.11/site-packages/own.py": "",
            f"{SITE}/theirs.py": "",
        },
        "/srv/venv/bin/python",
    )
    assert read.environment is not None
    assert (read.environment.prefix, read.environment.base, read.environment.version) == ("/srv/venv", "/usr", "3.11")
    assert (not read.missing) is found


def test_the_environment_is_the_one_that_the_interpreter_itself_reports(tmp_path: Path) -> None:
    """A real venv is the referee; so is what this very interpreter searches."""
    venv.create(tmp_path / "v", with_pip=False)
    with DirRoot("/") as root:
        found = environment(root, str(tmp_path / "v/bin/python"))
        own = environment(root, sys.executable)
    assert found is not None
    assert found.prefix == str(tmp_path / "v")
    assert found.site == (str(tmp_path / f"v/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"),)
    assert own is not None
    assert own.prefix == sys.prefix
    assert set(own.path) >= {entry for entry in sys.path if entry.endswith(("site-packages", "lib-dynload"))}


def test_every_module_that_a_real_program_loads_was_found(tmp_path: Path) -> None:
    """What pytest loaded here of its own dependencies must be in the closure of a script that imports them."""
    (tmp_path / "main").write_text("import pluggy, iniconfig\n")
    with DirRoot("/") as root:
        node = root.lookup(str(tmp_path / "main"))
        assert node is not None
        found = python_program(root, node, sys.executable)
    assert not [m for m in found.missing if not m.optional]
    assert {
        sys.modules[name].__file__
        for name in ("pluggy", "pluggy._hooks", "pluggy._manager", "iniconfig", "iniconfig._parse")
    } <= set(found.modules)


@pytest.mark.parametrize(
    "where",
    [
        "'/opt/more'",
        "os.path.join(os.path.dirname(__file__), '..', 'opt', 'more')",
        "os.path.dirname(os.path.dirname(__file__)) + '/opt/more'",
    ],
)
def test_directories_put_into_sys_path_are_searched_and_unknown_ones_make_misses_uncertain(
    tmp_path: Path, where: str
) -> None:
    text = f"import sys, os\nsys.path.insert(0, {where})\nimport extra\n"
    found = program(
        tmp_path,
        {"/app/main": text, "/opt/more/extra.py": "import gone\nif __name__ == '__main__':\n    import never\n"},
    )
    if "+" in where:
        assert [(m.name, m.optional) for m in found.missing] == [("extra", True)]
        assert found.warnings == ("/app/main:2 changes sys.path in a way that only a run can show",)
    else:
        assert found.modules == ("/opt/more/extra.py",)
        assert [(m.name, m.optional) for m in found.missing] == [("gone", False)]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("import os\nopen(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'data', 'x'))", "/app/data/x"),
        ("from pathlib import Path\n(Path(__file__).parent / 'data' / 'x').read_text()", "/app/data/x"),
        ("from pathlib import Path\nPath(__file__).resolve().parent.parent.joinpath('share', 'x')", "/share/x"),
        ("import os.path as p\np.join(p.dirname(p.dirname(__file__)), 'x')", "/x"),
    ],
)
def test_files_beside_the_script_are_known_by_dunder_file(tmp_path: Path, text: str, path: str) -> None:
    found = program(tmp_path, {"/app/main": text, "/usr/lib/python3.11/pathlib.py": ""})
    assert [m.path for m in found.mentions] == [path]


@pytest.mark.parametrize(
    "data",
    [b"print 'hi'\n", b"(" * 5000, b"-" * 100_000 + b"1", b"a;" * 500_000, b"x = '" + b"a" * 2_000_000 + b"'", b"\0", b"# coding: nonsense\nx\n", b"a" + b".a" * 30_000],
)  # fmt: skip
def test_what_is_no_python_3_or_passes_a_bound_is_a_typed_error(data: bytes) -> None:
    with pytest.raises(ScriptError, match="cannot look into hostile"):
        read_python(SourceText("hostile", data))


LAUNCHER = "#!/usr/bin/python3\nload_entry_point('Srv-App==2.0', 'console_scripts', 'srv')()\n"
ENTRY = "[other]\nsrv = wrong:main\n[console_scripts]\nother = no:x\nsrv = srv.app:run [extra]\n"


@pytest.mark.parametrize("metadata", ["srv_app-2.0.egg-info", "Srv_App-2.0.dist-info"])
def test_a_launcher_that_names_an_entry_point_imports_its_module(tmp_path: Path, metadata: str) -> None:
    modules = {f"{SITE}/srv/__init__.py": "", f"{SITE}/srv/app.py": "import json, other\n", f"{SITE}/other.py": ""}
    found = program(tmp_path, {"/app/main": LAUNCHER, **modules, f"{SITE}/{metadata}/entry_points.txt": ENTRY})
    assert set(found.modules) == set(modules)
    assert not found.missing


def test_an_entry_point_of_what_is_not_installed_is_a_miss_that_stops(tmp_path: Path) -> None:
    found = program(tmp_path, {"/app/main": LAUNCHER})
    assert [(item.name, item.line, item.optional) for item in found.missing] == [("Srv-App==2.0", 2, False)]


def test_the_app_that_a_server_is_told_of_is_followed_and_may_lack_what_it_imports(tmp_path: Path) -> None:
    files = {
        "/app/main": "import json\n",
        "/srv/app.py": "import web, beside, nowhere\n",
        "/srv/beside.py": "",
        f"{SITE}/web.py": "",
    }
    assert not program(tmp_path, files).modules
    with DirRoot(str(tmp_path)) as root:
        script, app = root.lookup("/app/main"), root.lookup("/srv/app.py")
        assert script is not None
        assert app is not None
        found = python_program(root, script, PYTHON, (app,))
    assert set(found.modules) == {f"{SITE}/web.py", "/srv/beside.py"}
    assert [(item.name, item.optional) for item in found.missing] == [("nowhere", True)]


def test_a_package_that_imports_by_names_made_at_run_time_is_followed_whole(tmp_path: Path) -> None:
    files = {
        "/app/main": "import srv.load\n",
        f"{SITE}/srv/__init__.py": "",
        f"{SITE}/srv/load.py": "import importlib\ndef load(name):\n    return importlib.import_module(name)\n",
        f"{SITE}/srv/http/auto.py": "from srv.http.one import x\nimport nowhere\n",
        f"{SITE}/srv/http/one.py": "import wire\n",
        f"{SITE}/srv/tests/test_x.py": "import tester\n",
        f"{SITE}/wire.py": "",
        f"{SITE}/tester.py": "",
    }
    found = program(tmp_path, files)
    assert f"{SITE}/wire.py" in found.modules
    assert f"{SITE}/tester.py" not in found.modules
    assert all(item.optional for item in found.missing)
    constant = "import importlib\ndef load():\n    return importlib.import_module('json')\n"
    assert f"{SITE}/wire.py" not in program(tmp_path / "twin", {**files, f"{SITE}/srv/load.py": constant}).modules
