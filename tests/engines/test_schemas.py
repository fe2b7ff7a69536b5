"""Every document that we write, against the OCI specification's own JSON schemas (I6, I7, I14)."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.elf.machines import Platform
from scratchpack.oci.image import make_image
from scratchpack.oci.index import make_release
from scratchpack.oci.layer import build_layer
from scratchpack.oci.model import Healthcheck, ImageConfig
from scratchpack.sinks.archive import Archive
from tests.support import tools
from tests.support.images import hello

if TYPE_CHECKING:
    from collections.abc import Callable

HOME = Path("/usr/share/gocode/src/github.com/opencontainers/image-spec/schema")
KINDS = {
    "application/vnd.oci.image.index.v1+json": "image-index-schema.json",
    "application/vnd.oci.image.manifest.v1+json": "image-manifest-schema.json",
    "application/vnd.oci.image.config.v1+json": "config-schema.json",
}


def _inline(node: Any, home: dict[str, Any], whole: Any) -> Any:
    """The schemas refer to each other by draft-04 ids; put the text there instead."""
    if isinstance(node, list):
        return [_inline(item, home, whole) for item in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        file, _, pointer = node["$ref"].partition("#")
        whole = home[file] if file else whole
        at = whole
        for key in pointer.strip("/").split("/") if pointer.strip("/") else ():
            at = at[key]
        return _inline(at, home, whole)
    return {
        key: _inline(value, home, whole) for key, value in node.items() if key != "id" or not isinstance(value, str)
    }


@pytest.fixture(scope="module")
def check() -> Callable[[str, Any], None]:
    if not HOME.is_dir():
        tools.missing("the OCI schemas are not here (Debian package: golang-github-opencontainers-image-spec-dev)")
    jsonschema = pytest.importorskip("jsonschema")
    home = {path.name: json.loads(path.read_text()) for path in HOME.glob("*.json")}
    ready = {name: _inline(schema, home, schema) for name, schema in home.items()}

    def against(name: str, document: Any) -> None:
        jsonschema.Draft4Validator(ready[name], format_checker=jsonschema.FormatChecker()).validate(document)

    return against


def test_every_document_fits_its_schema(check: Callable[[str, Any], None], tmp_path: Path) -> None:
    full = ImageConfig(
        Platform("linux", "arm", "v7"),
        entrypoint=("/hello",),
        cmd=("a", "b"),
        env=(("A", "b=c"),),
        working_dir="/w",
        exposed_ports=("80", "53/udp"),
        volumes=("/data",),
        labels=(("k", "v"),),
        stop_signal="SIGINT",
        healthcheck=Healthcheck(("CMD", "/hello"), interval=10**9),
        created="2024-05-06T07:08:09Z",
        author="somebody",
    )
    with Archive(str(tmp_path / "a.tar")) as archive:
        layer = build_layer(hello(), spool=archive)
        images = [
            make_image(ImageConfig(Platform("linux", "amd64")), [layer]),
            make_image(full, [layer], annotations={"a": "b"}),
        ]
        archive.write(make_release(images, ["x", "y:1"], index_annotations={"c": "d"}))
    with tarfile.open(tmp_path / "a.tar") as found:
        files = {entry.name: found.extractfile(entry).read() for entry in found if entry.isfile()}  # type: ignore[union-attr]
    check("image-layout-schema.json", json.loads(files["oci-layout"]))
    seen = []

    def walk(kind: str, document: Any) -> None:
        seen.append(KINDS[kind])
        check(KINDS[kind], document)
        for below in [*document.get("manifests", ()), *([document["config"]] if "layers" in document else [])]:
            walk(below["mediaType"], json.loads(files["blobs/" + below["digest"].replace(":", "/")]))

    walk("application/vnd.oci.image.index.v1+json", json.loads(files["index.json"]))
    assert {name: seen.count(name) for name in KINDS.values()} == {
        "image-index-schema.json": 3,
        "image-manifest-schema.json": 4,
        "config-schema.json": 4,
    }


def test_the_schemas_do_mind(check: Callable[[str, Any], None]) -> None:
    """A check that cannot fail is none."""
    with pytest.raises(Exception, match="required property"):
        check("config-schema.json", {"os": "linux", "rootfs": {"type": "layers", "diff_ids": []}})
