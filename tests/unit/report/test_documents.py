"""Every JSON document keeps its published schema, whatever the names in it are."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import jsonschema
import pytest

import scratchpack
from scratchpack.pipeline.verify import verify
from scratchpack.report.inspection import inspection_text
from scratchpack.report.json import metadata_document, plan_document
from scratchpack.report.packed import packed_table
from scratchpack.report.text import escape, human
from scratchpack.report.verdicts import verdicts_document, verdicts_text
from tests.support.build import HELLO_C, cc, shared

SCHEMAS = Path(__file__).parent.parent.parent.parent / "docs" / "schema"


def _valid(document: object, name: str) -> None:
    jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text())).validate(
        json.loads(json.dumps(document))
    )


@pytest.fixture(scope="module")
def dynamic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("report")
    lib = shared(home / "libreport.so", "int report;")
    return cc(home / "app", HELLO_C, "-Wl,--no-as-needed", str(lib), "-Wl,-rpath,$ORIGIN")


@pytest.mark.parametrize("name", ["inspect", "metadata", "verify"])
def test_a_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads((SCHEMAS / f"{name}.json").read_text()))


def test_inspect_says_what_is_loaded_and_why(dynamic: Path) -> None:
    plan = scratchpack.inspect(str(dynamic))
    document = plan_document(plan)
    _valid(document, "inspect")
    found = {row["soname"]: row for row in document["closure"]["resolved"]}
    assert found["libreport.so"]["found_by"] == "runpath"
    assert {row["path"]: row["because"][0]["kind"] for row in document["files"]}["/app/libreport.so"] == "needed"
    assert "libreport.so => " in inspection_text(plan)


def test_a_missing_library_is_in_the_report_with_the_places_looked_at(dynamic: Path) -> None:
    (dynamic.parent / "libreport.so").rename(dynamic.parent / "gone")
    try:
        plan = scratchpack.inspect(str(dynamic))
    finally:
        (dynamic.parent / "gone").rename(dynamic.parent / "libreport.so")
    document = plan_document(plan)
    _valid(document, "inspect")
    [missing] = document["closure"]["missing"]
    assert missing["soname"] == "libreport.so"
    assert missing["searched"][0]["path"] == str(dynamic.parent / "libreport.so")


def test_the_metadata_names_images_and_outputs(dynamic: Path, tmp_path: Path) -> None:
    packed = scratchpack.pack([str(dynamic)], scratchpack.Options(output=(f"type=docker,dest={tmp_path}/a.tar",)))
    document = metadata_document(packed)
    _valid(document, "metadata")
    assert document["outputs"] == [
        {"type": "docker", "dest": f"{tmp_path}/a.tar", "digest": document["images"][0]["digest"]}
    ]
    assert "docker load" in packed_table(packed, colour=False)
    verdicts = verify(f"{tmp_path}/a.tar")
    _valid(verdicts_document(verdicts), "verify")
    assert "FAILED" not in verdicts_text(verdicts)


def test_a_name_that_is_not_utf_8_is_also_given_in_base64(tmp_path: Path) -> None:
    name = os.fsdecode(b"h\xffllo\x1b[2J")
    binary = cc(tmp_path / "hello", HELLO_C, "-static").rename(tmp_path / name)
    document = plan_document(scratchpack.inspect(str(binary)))
    _valid(document, "inspect")
    assert base64.b64decode(document["files"][0]["path_b64"]) == b"/h\xffllo\x1b[2J"
    assert escape(name) == "h\\xffllo\\x1b[2J"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (1_550_000, "1.55 MB"), (2 * 10**13, "20000.0 GB")],
)
def test_sizes_are_decimal_as_engines_print_them(size: int, text: str) -> None:
    assert human(size) == text
