"""A deployment fits its image: user, ports, writable places and probe are the image's own, and Kubernetes' and Compose's schemas take it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import ruamel.yaml

from scratchpack.pipeline.deployed import deployed
from scratchpack.scaffold.deployment import Deployed, MountPoint, Port, deployment
from tests.support import build
from tests.support.cli import scratchpack

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = Deployed("example.org/team/My_App:1.0")
FULL = Deployed(
    "localhost/server:latest",
    1000,
    1001,
    (Port(8080, "tcp"), Port(5353, "udp")),
    (MountPoint("/a.b", data=True), MountPoint("/a/b", data=False), MountPoint("/tmp", data=False)),
    ("/.scratchpack/probe", 'tcp://:8080?"\N{GRINNING FACE}'),
)


def _documents(text: str) -> list[dict[str, Any]]:
    return list(ruamel.yaml.YAML(typ="safe").load_all(text))


@pytest.mark.parametrize("image", [PLAIN, FULL])
def test_kubernetes_takes_it(image: Deployed) -> None:
    kubernetes = pytest.importorskip("kubernetes_validate")
    documents = _documents(deployment("kubernetes", image))
    assert [one["kind"] for one in documents] == (["Deployment", "Service"] if image.ports else ["Deployment"])
    for document in documents:
        kubernetes.validate(document, "1.33", strict=True)


def test_a_pod_may_do_no_more_than_its_image_needs() -> None:
    (made, service) = _documents(deployment("kubernetes", FULL))
    pod = made["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "runAsGroup": 1001,
        "fsGroup": 1001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["readinessProbe"]["exec"]["command"] == list(FULL.probe)
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {"/a.b": "a-b", "/a/b": "a-b-2", "/tmp": "tmp"}
    assert {volume["name"] for volume in pod["volumes"]} == set(mounts.values())
    assert [port["port"] for port in service["spec"]["ports"]] == [8080, 5353]


def test_root_is_said_to_be_root() -> None:
    (made,) = _documents(deployment("kubernetes", PLAIN._replace(uid=0, gid=0)))
    assert made["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] is False
    assert made["metadata"]["name"] == "my-app"


@pytest.mark.parametrize("image", [PLAIN, FULL])
def test_compose_says_the_same(image: Deployed) -> None:
    (made,) = _documents(deployment("compose", image))
    (service,) = made["services"].values()
    assert service["read_only"]
    assert service["user"] == f"{image.uid}:{image.gid}"
    assert {volume["target"] for volume in service.get("volumes", ())} == {place.path for place in image.places}
    assert set(made.get("volumes", {})) == {place.name for place in image.places if place.data}


def test_what_an_image_says_of_itself_is_read_from_it(tmp_path: Path) -> None:
    program = build.cc(tmp_path / "server", build.HELLO_C, "-static", "-s")
    words = (
        "--expose",
        "53/udp",
        "--expose",
        "8080",
        "--volume",
        "/data",
        "--directory",
        "/run/server:0750",
        "--user",
        "1000:1001",
    )
    done = scratchpack(program, "-q", "--need", "tmp=always", "--probe", "tcp://:8080", *words, cwd=tmp_path)
    assert done.status == 0, done.err
    assert deployed(str(tmp_path / "server.tar")) == Deployed(
        "localhost/server:latest",
        1000,
        1001,
        (Port(53, "udp"), Port(8080, "tcp")),
        (MountPoint("/data", data=True), MountPoint("/run/server", data=False), MountPoint("/tmp", data=False)),
        ("/.scratchpack/probe", "tcp://:8080"),
    )
    printed = scratchpack("template", "kubernetes", "--from", "server.tar", cwd=tmp_path)
    assert (printed.status, printed.out) == (0, deployment("kubernetes", deployed(str(tmp_path / "server.tar"))))


def test_without_an_image_nothing_is_guessed(tmp_path: Path) -> None:
    done = scratchpack("template", "kubernetes", cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert "scratchpack template kubernetes --from app.tar" in done.err
