"""N43 to N48: a script in its image finds what it runs, imports and names; or the report names it; or it is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support import tools, tree
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path


def script(path: Path, text: str) -> Path:
    """A file that can be started."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A project's directory."""
    place = tmp_path / "project"
    place.mkdir()
    return place


def _wheel(place: Path) -> Path:
    """A package with a console script and a data file, as pip installs it without any index."""
    wheel = place / "greeter-1.0-py3-none-any.whl"
    files = {
        "greeter/__init__.py": "from importlib import metadata, resources\n"
        "def main():\n    print(resources.files('greeter').joinpath('word.txt').read_text(), metadata.version('greeter'))\n",
        "greeter/word.txt": "good day",
        "greeter-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n",
        "greeter-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "greeter-1.0.dist-info/entry_points.txt": "[console_scripts]\ngreet = greeter:main\n",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        record = "".join(f"{name},,\n" for name in (*files, "greeter-1.0.dist-info/RECORD"))
        archive.writestr("greeter-1.0.dist-info/RECORD", record)
    return wheel


def test_a_console_script_brings_its_virtual_environment_and_finds_it_at_its_path(home: Path) -> None:  # N44
    environment = home / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    wheel = _wheel(home)
    subprocess.run([environment / "bin/pip", "install", "-q", "--no-index", wheel], check=True, capture_output=True)
    out = tree.packed(home / "out", environment / "bin/greet")
    assert not [name for name in tree.names(out) if "/pip/" in name or name.endswith(".pyc")], (
        "pip and caches stay behind"
    )
    assert tree.run(out, "/greet") == "good day 1.0\n"
    python = (environment / "bin/greet").read_text().partition("\n")[0].removeprefix("#!")
    assert tree.run(out, python, "-c", "import sys; print(sys.prefix)") == f"{environment}\n"


def test_a_python_script_brings_its_neighbours_and_what_its_imports_open(home: Path) -> None:  # N44, N47
    script(
        home / "app.py",
        "#!/usr/bin/env python3\nimport pathlib, ssl, zoneinfo\nimport near\n"
        "print(near.WORD, (pathlib.Path(__file__).parent / 'data/word.txt').read_text(), zoneinfo.ZoneInfo('Europe/Berlin'),\n"
        "      len(ssl.create_default_context().get_ca_certs()) > 0)\n",
    )
    (home / "near.py").write_text("WORD = 'near'\n")
    (home / "not_named.py").write_text("")
    (home / "data").mkdir()
    (home / "data/word.txt").write_text("data")
    out = tree.packed(home / "out", "./app.py", cwd=home)
    assert tree.run(out, "/app/app.py") == "near data Europe/Berlin True\n"
    assert "/app/not_named.py" not in tree.names(out)


def test_an_import_that_is_nowhere_is_refused_naming_module_file_and_line(home: Path) -> None:  # N44
    script(home / "app.py", "#!/usr/bin/env python3\nimport json\n\nimport nowhere_at_all.part\n")
    done = scratchpack("./app.py", cwd=home)
    assert done.status == 4, done.err
    assert "nowhere_at_all" in done.err
    assert f"{home}/app.py, line 4" in done.err
    assert not (home / "app.py.tar").exists()


def test_an_optional_import_that_is_nowhere_is_named_and_does_not_stop_anything(home: Path) -> None:
    script(
        home / "app.py",
        "#!/usr/bin/env python3\ntry:\n    import nowhere\nexcept ImportError:\n    nowhere = None\nprint(nowhere)\n",
    )
    done = scratchpack("./app.py", "-o", f"type=local,dest={home}/out", cwd=home)
    assert done.status == 0
    assert "app.py, line 3" in done.err
    assert tree.run(home / "out", "/app.py") == "None\n"


def test_a_shell_script_brings_its_neighbours_and_lists_its_commands(home: Path) -> None:  # N43, N47
    script(home / "bin/run", '#!/bin/bash\n. "$(dirname "$0")/../lib/words.sh"\nword | sed s/o/0/\n')
    (home / "lib").mkdir()
    (home / "lib/words.sh").write_text("word() { echo hello; }\n")
    listed = scratchpack("bin/run", "-o", f"type=local,dest={home}/bare", cwd=home)
    assert listed.status == 0, listed.err
    assert "runs dirname, sed: add with --need commands=always" in listed.err
    out = tree.packed(home / "out", "bin/run", "--need", "commands=always", cwd=home)
    assert tree.run(out, "/app/bin/run") == "hell0\n"
    assert not (home / "bare/usr/bin/sed").exists()


def test_commands_that_are_added_have_closures_and_needs_of_their_own(home: Path) -> None:  # N43
    script(home / "tool", "#!/bin/sh\nset -e\ncurl --version | grep -c https\njq -n -c '[1,2]'\n")
    tools.need("curl", package="curl")
    tools.need("jq", package="jq")
    out = tree.packed(home / "out", "./tool", "--need", "commands=always", cwd=home)
    assert tree.run(out, "/tool").splitlines() == ["1", "[1,2]"]
    assert (out / "etc/ssl/certs/ca-certificates.crt").exists(), "curl's own need"


def test_a_script_that_a_script_runs_brings_its_own_commands_and_what_it_sources(home: Path) -> None:  # N43, N47
    script(home / "inner/bin/part", '#!/bin/sh\n. "$(dirname "$0")/words"\nword | sed s/o/0/\n')
    (home / "inner/bin/words").write_text("word() { echo hello; }\n")
    script(home / "outer/tool", f"#!/bin/sh\nset -e\n{home}/inner/bin/part\n")
    out = tree.packed(home / "out", "outer/tool", "--need", "commands=always", cwd=home)
    assert tree.run(out, "/tool") == "hell0\n"


def test_a_command_that_is_nowhere_is_named_with_its_line(home: Path) -> None:
    script(home / "tool", "#!/bin/sh\necho\nno-such-command-here\n")
    done = scratchpack("./tool", cwd=home)
    assert f"{home}/tool, line 3, runs no-such-command-here, which is nowhere" in done.err


def test_a_twin_that_needs_nothing_is_given_nothing(home: Path) -> None:
    script(home / "tool", "#!/bin/sh\necho hello\n")
    (home / "lib.sh").write_text("")
    done = scratchpack("inspect", "./tool", "--json", cwd=home)
    needs = {need["name"] for need in json.loads(done.out)["needs"]}
    assert not needs & {"modules", "commands", "beside", "payload"}


def test_a_neighbour_that_is_not_there_is_named(home: Path) -> None:
    script(home / "tool", '#!/bin/sh\n. "$(dirname "$0")/gone.sh"\n')
    assert "gone.sh is sourced, and it is not there" in scratchpack("./tool", cwd=home).err


def _package(place: Path, name: str, text: str, **more: object) -> None:
    place.mkdir(parents=True)
    (place / "package.json").write_text(json.dumps({"name": name, "version": "1.0.0", **more}))
    (place / "index.js").write_text(text)


def test_a_node_script_brings_its_package_with_production_dependencies(home: Path) -> None:  # N45
    tools.need("node", package="nodejs")
    _package(home / "app", "app", "", dependencies={"dep": "1"}, devDependencies={"dev": "1"})
    _package(home / "app/node_modules/dep", "dep", "module.exports = require('inner')", dependencies={"inner": "1"})
    _package(home / "app/node_modules/dep/node_modules/inner", "inner", "module.exports = 'inner'")
    _package(home / "app/node_modules/dev", "dev", "")
    script(home / "app/cli.js", "#!/usr/bin/env node\nconsole.log(require('dep'), require('./near'))\n")
    (home / "app/near.js").write_text("module.exports = 'near'\n")
    out = tree.packed(home / "out", "app/cli.js", cwd=home)
    assert tree.run(out, "/app/cli.js") == "inner near\n"
    assert not (out / "app/node_modules/dev").exists()


def test_a_link_in_bin_is_followed_to_its_package(home: Path) -> None:  # N45
    tools.need("node", package="nodejs")
    _package(home / "node_modules/tool", "tool", "module.exports = require('dep')", dependencies={"dep": "1"})
    _package(home / "node_modules/dep", "dep", "module.exports = 'dep'")
    script(home / "node_modules/tool/cli.js", "#!/usr/bin/env node\nconsole.log(require('.'))\n")
    (home / "node_modules/.bin").mkdir()
    (home / "node_modules/.bin/tool").symlink_to("../tool/cli.js")
    out = tree.packed(home / "out", "node_modules/.bin/tool", cwd=home)
    assert tree.run(out, "/app/node_modules/tool/cli.js") == "dep\n"


def test_a_module_that_node_cannot_find_is_refused(home: Path) -> None:
    tools.need("node", package="nodejs")
    script(home / "app.js", "#!/usr/bin/env node\n\nrequire('gone')\n")
    done = scratchpack("./app.js", cwd=home)
    assert done.status == 4
    assert f"gone: required in {home}/app.js, line 3" in done.err


def test_a_perl_script_brings_its_modules_from_both_sides(home: Path) -> None:  # N46
    script(
        home / "bin/app",
        "#!/usr/bin/perl\nuse strict; use FindBin; use lib \"$FindBin::Bin/../lib\";\nuse Digest::MD5 'md5_hex'; use Near;\n"
        'print md5_hex("a"), " $Near::WORD\\n";\n',
    )
    (home / "lib").mkdir()
    (home / "lib/Near.pm").write_text("package Near; our $WORD = 'near'; 1;\n")
    out = tree.packed(home / "out", "bin/app", cwd=home)
    assert tree.run(out, "/app/bin/app") == "0cc175b9c0f1b6a831c399e269772661 near\n"


def test_a_perl_module_that_is_nowhere_is_refused(home: Path) -> None:
    script(home / "app", "#!/usr/bin/perl\nuse strict;\nuse No::Such::Module;\n")
    done = scratchpack("./app", cwd=home)
    assert done.status == 4
    assert f"No::Such::Module: used in {home}/app, line 3" in done.err


def test_a_ruby_script_brings_its_neighbours_and_the_gems_that_it_requires(home: Path) -> None:  # N46
    tools.need("ruby", package="ruby")
    script(
        home / "bin/app",
        "#!/usr/bin/env ruby\n$LOAD_PATH.unshift(File.expand_path('../lib', __dir__))\nrequire 'near'\nrequire 'greeter'\nrequire 'json'\n"
        "puts JSON.generate([Near::WORD, Greeter.word, Gem.loaded_specs['greeter'].version.to_s])\n",
    )
    (home / "lib").mkdir()
    (home / "lib/near.rb").write_text("module Near; WORD = 'near'; end\n")
    gems = home / "gems"
    for name, needs, text in (
        ("greeter", "s.add_runtime_dependency(%q<words>.freeze, ['>= 0'])", "require 'words'\nmodule Greeter; def self.word = Words::ONE; end\n"),
        ("words", "", "module Words; ONE = 'good day'; end\n"),
        ("unused", "", ""),
    ):  # fmt: skip
        (gems / f"gems/{name}-1.0/lib").mkdir(parents=True)
        (gems / f"gems/{name}-1.0/lib/{name}.rb").write_text(text)
        (gems / "specifications").mkdir(exist_ok=True)
        (gems / f"specifications/{name}-1.0.gemspec").write_text(
            f"Gem::Specification.new do |s|\n  s.name = '{name}'\n  s.version = '1.0'\n  s.summary = ''\n  s.authors = ['x']\n"
            f"  s.require_paths = ['lib']\n  {needs}\nend\n"
        )
    out = tree.packed(home / "out", "bin/app", "-e", f"GEM_HOME={gems}", cwd=home)
    assert tree.run(out, "/app/bin/app", env={"GEM_HOME": str(gems)}) == '["near","good day","1.0"]\n'
    assert not [name for name in tree.names(out) if "unused" in name]


def test_a_ruby_feature_that_is_nowhere_is_refused(home: Path) -> None:
    tools.need("ruby", package="ruby")
    script(home / "app", "#!/usr/bin/env ruby\nrequire 'json'\nrequire 'nowhere_at_all'\n")
    done = scratchpack("./app", cwd=home)
    assert done.status == 4
    assert f"nowhere_at_all: required in {home}/app, line 3" in done.err


def test_at_places_a_script_with_what_is_beside_it(home: Path) -> None:
    script(home / "tool", '#!/bin/sh\n. "${0%/*}/words.sh"\nword\n')
    (home / "words.sh").write_text("word() { echo hello; }\n")
    out = tree.packed(home / "out", "./tool", "--at", "/srv/tool/tool", cwd=home)
    assert tree.run(out, "/srv/tool/tool") == "hello\n"


def test_a_zipapp_runs_with_the_interpreters_library(home: Path) -> None:  # N48
    script(home / "source/__main__.py", "import json\nprint(json.dumps([1]))\n")
    subprocess.run(
        [sys.executable, "-m", "zipapp", home / "source", "-o", home / "app.pyz", "-p", "/usr/bin/env python3"],
        check=True,
    )
    out = tree.packed(home / "out", "./app.pyz", cwd=home)
    assert tree.run(out, "/app.pyz") == "[1]\n"


def test_a_script_for_an_interpreter_without_a_reader_is_said_to_be_unread(home: Path) -> None:
    tools.need("awk", package="mawk")
    script(home / "app", "#!/usr/bin/awk -f\nBEGIN { print 1 }\n")
    assert "is a script for awk, which is not looked into" in scratchpack("./app", cwd=home).err


def test_inspect_shows_a_script_with_its_interpreter_and_why(home: Path) -> None:
    script(home / "tool", '#!/bin/sh\nif test -n "$1"; then sort "$1"; fi\n. "$(dirname "$0")/words.sh"\n')
    (home / "words.sh").write_text("word() { echo hello; }\n")
    shown = scratchpack("inspect", "./tool", cwd=home).out
    assert "run by /bin/sh" in shown
    assert f"{home}/tool:2 runs /usr/bin/sort" in shown
    assert f"{home}/tool:3 sources {home}/words.sh" in shown
    told = scratchpack("inspect", "./tool", "--why", "words.sh", cwd=home).out
    assert f"{home}/tool:3: sourced" in told
    document = json.loads(scratchpack("inspect", "./tool", "--json", cwd=home).out)
    assert document["binary"]["interpreters"] == ["/bin/sh"]
    (commands,) = [need for need in document["needs"] if need["name"] == "commands"]
    assert {"name": "/usr/bin/sort", "file": f"{home}/tool", "line": 2, "certain": True, "why": ""} in commands[
        "findings"
    ]


def test_nothing_of_the_input_is_started(home: Path) -> None:  # S1
    strace = tools.need("strace", package="strace")
    (home / "lib").mkdir()
    script(home / "tool", '#!/bin/bash\n. "$(dirname "$0")/lib/words.sh"\ncurl x | jq .\n"$(dirname "$0")/helper"\n')
    script(home / "helper", "#!/bin/sh\nexit 0\n")
    (home / "lib/words.sh").write_text("")
    script(home / "app.py", "#!/usr/bin/env python3\nimport near\n")
    (home / "near.py").write_text("")
    for name in ("tool", "app.py"):
        trace = home / f"{name}.trace"
        subprocess.run(
            [strace, "-f", "-q", "-e", "trace=execve,execveat", "-o", trace, sys.executable, "-m", "scratchpack", "inspect", f"./{name}"],
            cwd=home, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": os.getcwd()},
        )  # fmt: skip
        started = [line for line in trace.read_text().splitlines() if "exec" in line and " = 0" in line]
        assert len(started) == 1, started


def test_nothing_above_a_script_s_own_directory_is_taken_because_it_names_it(home: Path) -> None:
    """S1, S23: a script that was downloaded into scripts/ may not ask for what else lies there; a prefix has its lib, share and etc."""
    text = (
        '#!/bin/sh\nd=$(dirname "$0")\n. "$d/../lib/words.sh"\ncat "$d/../private" "$d/../other/letter"\nls "$d/.."\n'
    )
    script(home / "scripts/run", text)
    for name in ("lib/words.sh", "private", "other/letter"):
        script(home / name, "true\n")
    done = scratchpack("inspect", "--json", "scripts/run", cwd=home)
    assert done.status == 0, done.err
    packed = {file["path"].rpartition("/")[2] for file in json.loads(done.out)["files"]}
    assert packed & {"words.sh", "private", "letter"} == {"words.sh"}
