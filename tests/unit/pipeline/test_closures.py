"""``closure`` of the report is what the loader maps at start; what a need has it map stands in that need's own (issue 12, Deliver 8)."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from scratchpack.config import Options
from scratchpack.pipeline.inspect import inspect
from scratchpack.report.inspection import inspection_text
from scratchpack.report.json import plan_document
from scratchpack.rootfs import File
from tests.support import build

if TYPE_CHECKING:
    from scratchpack.pipeline.model import Plan

SCHEMA = Path(__file__).parent.parent.parent.parent / "docs" / "schema" / "inspect.json"
BESIDE = ("-Wl,-rpath,$ORIGIN", "-Wl,--no-as-needed")
OPENS = '#include <dlfcn.h>\nint main(void) { return !dlopen("libplug.so", RTLD_NOW); }\n'
CONVERTS = '#include <iconv.h>\nint main(void) { return iconv_open("UTF-8", "KOI8-R") == (iconv_t)-1; }\n'
STARTS = '#include <stdlib.h>\nint main(void) { return system("true"); }\n'


def _document(plan: Plan) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(plan_document(plan)))
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    return document


def _need(document: dict[str, Any], name: str) -> dict[str, Any]:
    needs: dict[str, dict[str, Any]] = {need["name"]: need for need in document["needs"]}
    return needs[name]


def _paths(closure: dict[str, Any]) -> set[str]:
    return {row["real_path"] for row in closure["resolved"]}


def _loader_lists(program: Path) -> set[str]:
    """What the real loader maps at start, by its own word."""
    [loader] = [
        row["path"] for row in _document(inspect(str(program)))["closure"]["resolved"] if row["found_by"] == "interp"
    ]
    listed = subprocess.run([loader, "--list", program], check=True, capture_output=True, text=True).stdout
    found = re.findall(r"(/\S+) \(0x", listed)
    return {str(Path(path).resolve()) for path in found}


def _nothing_twice(document: dict[str, Any]) -> None:
    """What a need brings stands in that need's closure and not in that of the start; edges and problems too."""
    start = document["closure"]
    for need in document["needs"]:
        if need["closure"] is not None:
            assert not _paths(start) & _paths(need["closure"])
            for part in ("edges", "problems", "missing"):
                assert not [row for row in need["closure"][part] if row in start[part]]


@pytest.fixture
def opener(tmp_path: Path) -> Path:
    """A program that opens a library with a dependency of its own, and one that the program has at start."""
    both = build.shared(tmp_path / "libboth.so", "int both(void) { return 0; }\n")
    deep = build.shared(tmp_path / "libdeep.so", "int deep(void) { return 0; }\n")
    build.shared(tmp_path / "libplug.so", "int plug(void) { return 0; }\n", *BESIDE, str(deep), str(both))
    return build.cc(tmp_path / "app", OPENS, *BESIDE, str(both))


def test_a_library_that_is_opened_stands_in_its_needs_closure_with_what_it_needs(opener: Path, tmp_path: Path) -> None:
    document = _document(inspect(str(opener)))
    assert _paths(document["closure"]) == _loader_lists(opener)
    need = _need(document, "dlopen")
    assert need["decision"] == "added"
    assert _paths(need["closure"]) == {f"{tmp_path}/libplug.so", f"{tmp_path}/libdeep.so"}  # libboth is the program's
    edges = {(edge["requester"], edge["name"], edge["target"]) for edge in need["closure"]["edges"]}
    assert (str(opener), "libplug.so", f"{tmp_path}/libplug.so") in edges
    assert (f"{tmp_path}/libplug.so", "libboth.so", f"{tmp_path}/libboth.so") in edges
    _nothing_twice(document)
    assert {"/app/libplug.so", "/app/libdeep.so"} <= {row["path"] for row in document["files"]}


def test_the_modules_of_gconv_stand_in_its_closure_and_not_in_that_of_the_start(tmp_path: Path) -> None:
    app = build.cc(tmp_path / "app", CONVERTS)
    document = _document(inspect(str(app)))
    assert _paths(document["closure"]) == _loader_lists(app)
    need = _need(document, "gconv")
    assert any(path.endswith("/gconv/KOI8-R.so") for path in _paths(need["closure"]))
    assert not any("/gconv/" in path for path in _paths(document["closure"]))
    _nothing_twice(document)


def test_two_needs_have_a_closure_each(tmp_path: Path) -> None:
    build.shared(tmp_path / "libplug.so", "int plug(void) { return 0; }\n")
    source = CONVERTS.replace("int main", "#include <dlfcn.h>\nint main").replace(
        "return ", 'dlopen("libplug.so", RTLD_NOW); return '
    )
    document = _document(inspect(str(build.cc(tmp_path / "app", source, *BESIDE))))
    assert _paths(_need(document, "dlopen")["closure"]) == {f"{tmp_path}/libplug.so"}
    assert f"{tmp_path}/libplug.so" not in _paths(_need(document, "gconv")["closure"])
    _nothing_twice(document)


def test_a_static_program_maps_nothing_at_start_whatever_its_needs_have_it_open(tmp_path: Path) -> None:
    app = build.cc(tmp_path / "app", CONVERTS, "-static")
    document = _document(inspect(str(app), Options(need={"gconv": "always"})))
    assert (document["closure"]["resolved"], document["closure"]["edges"]) == ([], [])
    assert any(path.endswith("/libc.so.6") for path in _paths(_need(document, "gconv")["closure"]))


def test_a_program_that_a_need_starts_has_its_libraries_in_the_needs_closure(tmp_path: Path) -> None:
    app = build.cc(tmp_path / "app", STARTS, "-static")
    document = _document(inspect(str(app), Options(need={"shell": "always"})))
    assert document["closure"]["resolved"] == []
    assert any(path.endswith("/libc.so.6") for path in _paths(_need(document, "shell")["closure"]))


def test_a_need_that_has_nothing_mapped_has_no_closure(tmp_path: Path) -> None:
    """The twin: files alone, or nothing at all."""
    app = build.cc(tmp_path / "app", "#include <pwd.h>\nint main(void) { return !getpwuid(0); }\n")
    document = _document(inspect(str(app)))
    assert _need(document, "users")["closure"] is None
    never = _document(inspect(str(build.cc(tmp_path / "other", CONVERTS)), Options(need={"gconv": "never"})))
    assert _need(never, "gconv")["closure"] is None


def test_the_image_and_the_text_hold_what_the_closures_hold_together(opener: Path, tmp_path: Path) -> None:
    plan = inspect(str(opener))
    text = inspection_text(plan)
    start, _, later = text.partition("Runtime needs:")
    assert f"libplug.so => {tmp_path}/libplug.so" not in start
    assert f"libplug.so => {tmp_path}/libplug.so [runpath]" in later
    sources = [entry.source for entry in plan.rootfs if isinstance(entry, File)]
    origins = {source.origin[1] for source in sources if source.origin}
    assert {found.node.canonical for closure in plan.closures for found in closure.resolved} <= origins
