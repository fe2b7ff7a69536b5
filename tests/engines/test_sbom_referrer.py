"""``--sbom`` on a push: the bill is an artifact about the image, found under the fallback tag of a registry without referrers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from scratchpack.oci.model import MEDIA_EMPTY
from scratchpack.oci.registry.pull import RemoteImage
from tests.support import build, cli
from tests.unit.sbom.judges import judge_cyclonedx, judge_spdx

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Engine, Registry


@pytest.mark.parametrize(
    ("kind", "media_type"), [("spdx", "application/spdx+json"), ("cyclonedx", "application/vnd.cyclonedx+json")]
)
def test_a_pushed_bill_is_found_by_the_image_s_digest(
    registry: Registry, skopeo: Engine, tmp_path: Path, kind: str, media_type: str
) -> None:
    build.cc(tmp_path / "hello", build.HELLO_C, "-static")
    name = f"{registry.host}/bills/{kind}"
    words = ("./hello", "-t", f"{name}:1", "--push", "--sbom", kind)
    run = cli.scratchpack(*words, cwd=tmp_path, env={"DOCKER_CONFIG": str(tmp_path)})
    assert run.status == 0, run.err
    pushed = run.out.strip()
    assert pushed.startswith(f"{name}@sha256:")
    assert cli.scratchpack(*words, cwd=tmp_path, env={"DOCKER_CONFIG": str(tmp_path)}).out.strip() == pushed
    digest = pushed.rpartition("@")[2]

    listed = _raw(skopeo, f"{name}:{digest.replace(':', '-')}")
    (entry,) = listed["manifests"]
    assert entry["artifactType"] == media_type
    manifest = _raw(skopeo, f"{name}@{entry['digest']}")
    assert manifest["subject"]["digest"] == digest
    assert manifest["artifactType"] == media_type
    assert manifest["config"]["mediaType"] == MEDIA_EMPTY
    (layer,) = manifest["layers"]
    with RemoteImage(f"{name}:1") as remote, remote.open(layer["digest"], layer["size"]) as stream:
        data = stream.read()
    if kind == "spdx":
        image = judge_spdx(data)["packages"][0]
        assert image["checksums"] == [{"algorithm": "SHA256", "checksumValue": digest.removeprefix("sha256:")}]
    else:
        image = judge_cyclonedx(data)["metadata"]["component"]
        assert image["hashes"] == [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")}]
    assert skopeo("inspect", "--tls-verify=false", f"docker://{name}:1").status == 0


def _raw(skopeo: Engine, reference: str) -> dict[str, Any]:
    text = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{reference}").out
    document: dict[str, Any] = json.loads(text)
    return document
