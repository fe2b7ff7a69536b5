"""SPDX and CycloneDX documents: valid by the judges of their own libraries, the same bytes every time."""

from __future__ import annotations

import subprocess
import sys

from scratchpack.sbom import render
from tests.support.cli import HOME
from tests.unit.sbom.bills import BILL, ZLIB
from tests.unit.sbom.judges import judge_cyclonedx, judge_spdx


def test_spdx_is_valid_and_says_everything() -> None:
    document = judge_spdx(render("spdx", BILL))
    names = {
        entry["SPDXID"]: entry.get("fileName") or entry["name"] for entry in (*document["files"], *document["packages"])
    }
    links = {
        (names.get(link["spdxElementId"]), link["relationshipType"], names.get(link["relatedSpdxElement"]))
        for link in document["relationships"]
    }
    assert ("zlib1g", "CONTAINS", "./usr/lib/libz.so.1") in links
    assert ("./app", "GENERATED_FROM", "example.com/app") in links
    assert ("./app", "STATIC_LINK", "example.com/dep/v2") in links
    assert ("cc", "BUILD_DEPENDENCY_OF", "./app") in links
    app = next(entry for entry in document["files"] if entry["fileName"] == "./app")
    assert {"algorithm": "SHA256", "checksumValue": "a" * 64} in app["checksums"]
    assert app["comment"] == "build-id: abcd"
    zlib = next(entry for entry in document["packages"] if entry["name"] == "zlib1g")
    assert zlib["versionInfo"] == "1:1.2.13-1"
    assert zlib["externalRefs"][0]["referenceLocator"] == ZLIB.purl
    assert zlib["licenseDeclared"] == "Zlib AND LicenseRef-Own"
    assert document["hasExtractedLicensingInfos"][0]["extractedText"] == "our own words"


def test_cyclonedx_is_valid_and_says_everything() -> None:
    document = judge_cyclonedx(render("cyclonedx", BILL))
    by_ref = {component["bom-ref"]: component for component in document["components"]}
    assert by_ref["file:/app"]["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert {"name": "scratchpack:build-id", "value": "abcd"} in by_ref["file:/app"]["properties"]
    assert "file:/data\\xff" in by_ref
    zlib = by_ref[ZLIB.purl]
    assert (zlib["version"], zlib["purl"]) == (ZLIB.version, ZLIB.purl)
    assert zlib["licenses"] == [{"expression": "Zlib AND LicenseRef-Own"}]
    depends = {entry["ref"]: entry.get("dependsOn", []) for entry in document["dependencies"]}
    assert depends["image"] == ["file:/app", "file:/data\\xff", ZLIB.purl]
    assert depends["file:/app"] == [
        "pkg:cargo/cc@1.0.0",
        "pkg:golang/example.com/app",
        "pkg:golang/example.com/dep/v2@v2.1.0",
    ]
    assert document["metadata"]["component"]["purl"].startswith("pkg:oci/app@sha256:dd")


def test_the_same_bill_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "import sys; from tests.unit.sbom.bills import BILL; from scratchpack.sbom import render; "
        "sys.stdout.buffer.write(render('spdx', BILL) + render('cyclonedx', BILL))"
    )
    again = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PYTHONPATH": str(HOME)},
        capture_output=True,
        check=True,
    )
    assert again.stdout == render("spdx", BILL) + render("cyclonedx", BILL)


def test_another_image_has_another_identity() -> None:
    assert BILL.identity != BILL._replace(digest="sha256:" + "e" * 64).identity


def test_a_file_tree_has_no_digest_to_name() -> None:
    judge_spdx(render("spdx", BILL._replace(digest="")))
    judge_cyclonedx(render("cyclonedx", BILL._replace(digest="")))
