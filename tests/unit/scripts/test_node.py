"""N45: a Node program's package, its production dependencies, and what its modules load; node itself is the referee."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from scratchpack.scripts.model import SourceText
from scratchpack.scripts.node.imports import read_javascript
from scratchpack.scripts.node.program import NodeProgram, node_program
from scratchpack.scripts.text import ScriptError
from scratchpack.sysroot.dirroot import DirRoot
from tests.support import tools

if TYPE_CHECKING:
    from pathlib import Path


def put(root: Path, files: dict[str, str | dict[str, object]]) -> None:
    """Write the files of a tree; a dictionary as JSON."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))


def program(where: Path, script: str = "app/main.js") -> NodeProgram:
    with DirRoot("/") as root:
        node = root.lookup(str(where / script))
        assert node is not None
        return node_program(root, node)


TREE: dict[str, str | dict[str, object]] = {
    "app/package.json": {
        "name": "app", "version": "1.0.0", "dependencies": {"hoisted": "1", "@s/scoped": "1", "twins": "1"},
        "devDependencies": {"dev": "1"}, "optionalDependencies": {"absent": "1"}, "imports": {"#own": "./own.js"},
    },
    "app/main.js": "require('hoisted'); require('./lib'); require('@s/scoped/deep'); require('twins'); require('#own'); require('fs')\n",
    "app/own.js": "",
    "app/lib/index.js": "require('../data.json'); require('node:path')\n",
    "app/data.json": "{}",
    "app/node_modules/hoisted/package.json": {"name": "hoisted", "version": "1.2.3", "main": "./out/entry", "dependencies": {"nested": "2"}},
    "app/node_modules/hoisted/out/entry.js": "require('nested')\n",
    "app/node_modules/hoisted/node_modules/nested/package.json": {"name": "nested", "version": "2.0.0"},
    "app/node_modules/hoisted/node_modules/nested/index.js": "",
    "app/node_modules/@s/scoped/package.json": {
        "name": "@s/scoped", "version": "3.0.0", "exports": {".": "./x.js", "./d*": {"import": "./no.js", "require": "./files/d*.js"}},
    },
    "app/node_modules/@s/scoped/files/deep.js": "",
    "app/node_modules/twins/package.json": {"name": "twins", "version": "4.0.0", "exports": {"import": "./esm.mjs", "default": "./cjs.js"}},
    "app/node_modules/twins/cjs.js": "",
    "app/node_modules/twins/esm.mjs": "",
    "app/node_modules/dev/package.json": {"name": "dev", "version": "9.0.0"},
}  # fmt: skip


def test_the_modules_are_those_that_node_itself_loads(tmp_path: Path) -> None:
    node = tools.need("node", package="nodejs")
    put(tmp_path, TREE)
    found = program(tmp_path)
    text = "process.on('exit', () => console.log(JSON.stringify(Object.keys(require.cache))))"
    (tmp_path / "ask.js").write_text(f"{text}\nrequire('./app/main.js')\n")
    done = subprocess.run([node, str(tmp_path / "ask.js")], capture_output=True, text=True, check=True)
    loaded = {path for path in json.loads(done.stdout) if not path.endswith("ask.js")}
    assert set(found.modules) == loaded
    assert not found.missing


def test_production_dependencies_travel_and_others_do_not(tmp_path: Path) -> None:
    put(tmp_path, TREE)
    found = program(tmp_path)
    assert [(package.name, package.version) for package in found.packages] == [
        ("app", "1.0.0"), ("hoisted", "1.2.3"), ("@s/scoped", "3.0.0"), ("twins", "4.0.0"), ("nested", "2.0.0"),
    ]  # fmt: skip


def test_a_link_from_bin_is_followed_to_its_package_and_pnpm_s_links_to_the_store(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "lib/node_modules/.store/tool@1/node_modules/tool/package.json": {
                "name": "tool",
                "version": "1.0.0",
                "dependencies": {"dep": "1"},
            },
            "lib/node_modules/.store/tool@1/node_modules/tool/cli.js": "#!/usr/bin/env node\nrequire('dep')\n",
            "lib/node_modules/.store/dep@1/node_modules/dep/package.json": {"name": "dep", "version": "1.0.0"},
            "lib/node_modules/.store/dep@1/node_modules/dep/index.js": "",
        },
    )
    (tmp_path / "lib/node_modules/tool").symlink_to(".store/tool@1/node_modules/tool")
    (tmp_path / "lib/node_modules/.store/tool@1/node_modules/dep").symlink_to("../../dep@1/node_modules/dep")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/tool").symlink_to("../lib/node_modules/tool/cli.js")
    found = program(tmp_path, "bin/tool")
    assert [package.name for package in found.packages] == ["tool", "dep"]
    assert found.package == str(tmp_path / "lib/node_modules/.store/tool@1/node_modules/tool")
    assert not found.missing


def test_what_is_nowhere_is_named_with_its_file_and_line(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "app/package.json": {"dependencies": {"declared": "1"}, "peerDependencies": {"peer": "1"}},
            "app/main.js": "\nrequire('gone')\ntry { require('maybe') } catch {}\nfunction f() { require('later') }\nimport('lazy')\n",
        },
    )
    assert [(m.name, m.file.rpartition("/")[2], m.line, m.optional) for m in program(tmp_path).missing] == [
        ("declared", "package.json", 1, False),
        ("gone", "main.js", 2, False),
        ("maybe", "main.js", 3, True),
        ("later", "main.js", 4, True),
        ("lazy", "main.js", 5, True),
    ]


def test_files_that_a_module_names_by_its_own_directory_are_known() -> None:
    text = "path.join(__dirname, 'data', 'x.json'); new URL('./y', import.meta.url); require(name); path.join(a, 'z')\n"
    found = read_javascript(SourceText("x.mjs", text.encode()))
    assert [path for path, _ in found.beside] == ["data/x.json", "./y"]
    assert found.unknown == (1,)


@pytest.mark.parametrize(
    "piece",
    ["(a=", "`${", "a=>", *(pytest.param(piece, marks=pytest.mark.campaign) for piece in ("${a:-", "a<", '"$(', "["))],
)
def test_a_grammar_bomb_of_javascript_ends_in_bounded_time(piece: str) -> None:
    try:
        found = read_javascript(SourceText("bomb", (piece * (300_000 // len(piece))).encode()))
    except ScriptError:
        return
    assert found.required == ()


def test_an_import_map_that_leads_in_circles_leads_nowhere(tmp_path: Path) -> None:
    """S5: one internal name may not stand for another, so nothing calls itself."""
    imports = {"#a": "#a", "#b": "#c", "#c": "#b"}
    put(tmp_path, {"app/package.json": {"imports": imports}, "app/main.js": "require('#a'); require('#b')\n"})
    assert [item.name for item in program(tmp_path).missing] == ["#a", "#b"]


def test_a_target_of_many_stars_does_not_become_a_text_of_gigabytes(tmp_path: Path) -> None:
    """S4: each star stands for four thousand characters here."""
    script = f"require('#{'y' * 4000}')\n"
    put(tmp_path, {"app/package.json": {"imports": {"#*": "./" + "*" * 500_000}}, "app/main.js": script})
    assert len(program(tmp_path).missing) == 1


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('{"main": "\\ud800"}', "half a surrogate pair"),
        ('{"dependencies": {"\\ud800": "1"}}', "half a surrogate pair"),
        ('{"version": ' + "1" * 5000 + "}", "a number of 5000 digits"),
        ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "nested more than 100 deep"),
        ('["q"]', "an object is meant"),
        ("{", "it is not JSON"),
    ],
)
def test_a_package_json_that_cannot_be_read_is_named(said: str, why: str, tmp_path: Path) -> None:
    """S5: it counts as empty, and nothing of it is dropped in silence."""
    put(tmp_path, {"app/main.js": "require('q')\n", "app/node_modules/q/index.js": ""})
    put(tmp_path, {"app/package.json": said, "app/node_modules/q/package.json": said})
    found = program(tmp_path)
    assert any(why in line and "q/package.json" in line for line in found.warnings), found.warnings
    assert any(module.endswith("q/index.js") for module in found.modules)
