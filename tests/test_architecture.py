"""Who may import whom, and that no imports go in a circle. The table is law; imports inside functions and TYPE_CHECKING count too."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "scratchpack"

# A room (longest prefix wins) and the rooms of ours it may import. "itself" is always allowed.
TABLE: dict[str, set[str]] = {
    "errors": set(),
    "record": set(),
    "pattern": set(),
    "foreign": {"errors"},
    "elf.model": set(),
    "elf.machines": set(),
    "elf": {"errors", "elf"},
    "elf.views": {"elf", "sysroot.model"},
    "elf.witness": {"elf.model", "elf.detail", "proc"},
    "layers": {"errors", "oci.unpack", "oci.tarstream", "layers"},
    "layers.written": {"errors", "layers", "oci.tar"},
    "layers.cut": {"rootfs"},
    "sysroot.model": set(),
    "sysroot": {"errors", "sysroot"},
    "sysroot.layerroot": {"errors", "sysroot", "layers", "oci.unpack"},
    "loader.model": {"elf.model", "sysroot.model"},
    "loader": {"errors", "elf", "sysroot", "loader"},
    "packages": {"errors", "sysroot", "packages"},
    "rootfs": {"errors"},
    "entries": {"rootfs", "sysroot.model"},
    "needs": {"errors", "elf", "sysroot", "loader", "packages", "rootfs", "entries", "needs", "templates"},
    "configuration": {"configuration"},
    "scripts": {"errors", "elf", "foreign", "sysroot", "scripts"},
    "oci.model": {"elf.machines"},
    "oci": {"errors", "elf.machines", "rootfs", "oci", "proc"},
    "engines": {"errors", "oci", "proc", "engines"},
    "sinks.model": {"oci.model", "rootfs"},
    "sinks": {"errors", "elf.machines", "oci", "rootfs", "engines", "sinks", "render", "proc"},
    "sbom": {"errors", "rootfs", "packages.model", "elf.machines", "oci", "sbom", ""},
    "images": {"errors", "engines", "oci", "sysroot.model", "images"},
    "verification": {"errors", "elf", "sysroot", "loader", "needs", "rootfs", "oci", "proc", "images", "report.json", "report.verdicts", "verification"},
    "templates": {"errors"},
    "render": {"errors", "templates"},
    "scaffold": {"errors", "render", "scaffold", "templates", ""},
    "proc": {"errors"},
    "probe": {"errors", "proc", "probe"},
    "sandbox": {"errors", "proc", "sandbox"},
    "sandbox.tree": {"layers"},
    "config": {"errors", "sinks.model", "config"},
    "sources": {"errors", "config", "fleet_file", "settings_file"},
    "settings_file": {"errors", "config"},
    "fleet_file": {"errors", "config", "settings_file"},
    "request": {
        "errors", "config", "elf.machines", "sinks.model", "oci.model", "oci.reference", "oci.compress", "engines.choose", "loader.hwcaps",
        "needs.index", "needs.names", "needs.plugin", "request",
    },
    "report": {
        "errors", "elf", "sysroot.model", "loader.model", "needs.base", "needs.names", "rootfs", "oci.model", "sinks.model", "pipeline.model", "verification.image",
        "verification.observed", "pipeline.analyze", "pipeline.fleet.model", "pipeline.slim.model", "pipeline.squash", "layers", "render", "report",
    },
    "pipeline": {
        "errors", "config", "request", "elf", "sysroot", "loader", "needs", "packages", "rootfs", "entries", "oci", "images", "layers", "sandbox", "sinks",
        "verification", "render", "templates", "proc", "probe", "report", "scaffold.deployment", "sbom", "scripts", "configuration", "pipeline",
    },
    "pipeline.fleet.task": {"errors", "config", "oci.compress", ""},
    "cli": {"errors", "config", "sources", "request", "sinks.model", "pipeline", "report", "scaffold", "cli", ""},
    "__main__": {"cli"},
    "": {"config", "errors", "pipeline", "sinks.model", "verification.image"},
}  # fmt: skip

# no rooms: what the values between rooms are made of, and how everybody reads what a stranger wrote
BASIS = {"record", "pattern", "foreign"}

# Heavy or dangerous modules and the only rooms that may import them.
DOORS: dict[str, set[str]] = {
    "lief": {"elf.witness"},
    "elftools": {"elf.detail"},
    "jinja2": {"render"},
    "subprocess": {"proc"},
    "click": {"cli"},
    "cyclonedx": {"sbom.cyclonedx"},
    "license_expression": {"sbom"},
    "packageurl": {"sbom"},
    "tree_sitter": {"scripts"},  # parsed in scripts.grammar, elsewhere its types
    "spdx_tools": {"sbom.spdx"},
    "urllib3": {"oci.registry"},
    "distributed": {"pipeline.fleet.executor"},
    "ctypes": {"sysroot.confine", "sinks.publish", "sandbox.kernel", "sandbox.ptrace"},
}


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _name(path: Path) -> str:
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _imports(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def _within(name: str, room: str) -> bool:
    return name == room or (room != "" and name.startswith(room + "."))


def _row(name: str) -> set[str]:
    rows = [room for room in TABLE if _within(name, room)]
    assert rows, f"{name} has no row in the table"
    return TABLE[max(rows, key=len)]


@pytest.mark.parametrize("path", _modules(), ids=_name)
def test_a_room_imports_only_what_the_table_allows(path: Path) -> None:
    name = _name(path)
    allowed = _row(name) | BASIS
    for imported in _imports(path):
        if not imported.startswith("scratchpack"):
            continue
        target = imported.removeprefix("scratchpack").removeprefix(".")
        path_of = PACKAGE / Path(*target.split("."))
        if not path_of.with_suffix(".py").exists() and not path_of.is_dir():
            target = target.rpartition(".")[0]  # a name in that module
        assert any(_within(target, room) for room in allowed), f"{name} imports {imported}"


@pytest.mark.parametrize("path", _modules(), ids=_name)
def test_a_heavy_import_stands_behind_its_one_door(path: Path) -> None:
    name = _name(path)
    for imported in _imports(path):
        top = imported.partition(".")[0]
        if top in DOORS:
            assert any(_within(name, room) for room in DOORS[top]), f"{name} imports {imported}"


def _graph() -> dict[str, set[str]]:
    """Each module and those of ours that it imports, anywhere in its text: two that know each other's types cannot be read apart either.

    The package itself is left out. It imports nothing when it is imported; its names lead to the rooms that have them.
    """
    modules = {_name(path): path for path in _modules()}
    graph = {}
    for name, path in modules.items():
        targets = {
            imported.removeprefix("scratchpack.") for imported in _imports(path) if imported.startswith("scratchpack.")
        }
        graph[name] = {target if target in modules else target.rpartition(".")[0] for target in targets} - {"", name}
    return graph


def _circles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """The sets of modules that reach one another (Tarjan's strongly connected components, of two and more)."""
    found, order, lowest, stack = set(), dict[str, int](), dict[str, int](), list[str]()

    def visit(name: str) -> None:
        order[name] = lowest[name] = len(order)
        stack.append(name)
        for target in graph.get(name, ()):
            if target not in order:
                visit(target)
            if target in stack:
                lowest[name] = min(lowest[name], lowest[target])
        if lowest[name] == order[name]:
            circle = frozenset(stack[stack.index(name) :])
            del stack[stack.index(name) :]
            if len(circle) > 1:
                found.add(circle)

    for name in graph:
        if name not in order:
            visit(name)
    return found


def test_a_circle_is_found_whatever_its_length() -> None:
    assert _circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a"}}) == {frozenset("abc")}


def test_no_imports_go_in_a_circle() -> None:
    assert _circles(_graph()) == set(), "these modules import each other: what both need belongs to a third"


def test_a_name_means_one_thing() -> None:
    classes = [
        node.name
        for path in _modules()
        for node in _parsed(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    assert classes
    assert {name for name in classes if classes.count(name) > 1} == set(), "another room has a class of this name"
