"""The engines' fixtures do what every other engine test relies on: a plain image by the book goes in and runs."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import urllib.error
import urllib.request
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from tests.support import build, engines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.engines import Containerd, Docker, Engine, Podman, Registry


def _tar(**files: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Docker archive made with the standard library alone, so that only the engine is under test."""
    home = tmp_path_factory.mktemp("plain")
    layer = _tar(hello=build.cc(home / "hello", build.HELLO_C, "-static", "-s").read_bytes())
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": ["/hello"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
    }
    manifest = [{"Config": "config.json", "RepoTags": ["plain:latest"], "Layers": ["layer.tar"]}]
    out = home / "plain.tar"
    files = {
        "layer.tar": layer,
        "config.json": json.dumps(config).encode(),
        "manifest.json": json.dumps(manifest).encode(),
    }
    out.write_bytes(_tar(**files))
    return out


def test_docker_runs_an_image(docker: Docker, archive: Path) -> None:
    assert "plain:latest" in docker.load(archive)
    assert docker.run_image("plain:latest").out == "hello from C\n"


def test_podman_runs_an_image(podman: Podman, archive: Path) -> None:
    assert "plain:latest" in podman.load(archive)
    assert podman.run_image("plain:latest").out == "hello from C\n"


def test_containerd_runs_an_image(containerd: Containerd, archive: Path) -> None:
    assert "plain:latest" in containerd.load(archive)
    assert containerd.run_image("docker.io/library/plain:latest").out == "hello from C\n"


def test_skopeo_reads_and_pushes_an_image_and_umoci_unpacks_it(
    skopeo: Engine, umoci: Engine, registry: Registry, archive: Path, tmp_path: Path
) -> None:
    assert json.loads(skopeo("inspect", f"docker-archive:{archive}").out)["Architecture"] == "amd64"
    remote = f"docker://{registry.host}/plain:1"
    skopeo("copy", "--dest-tls-verify=false", f"docker-archive:{archive}", remote)
    skopeo("copy", "--src-tls-verify=false", remote, f"oci:{tmp_path}/layout:1")
    umoci("unpack", "--image", f"{tmp_path}/layout:1", tmp_path / "bundle")
    assert (tmp_path / "bundle/rootfs/hello").stat().st_size > 0


def test_buildah_builds_a_dockerfile(buildah: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY file /file\n")
    buildah("bud", "--isolation", "chroot", "-t", "built", ".", cwd=tmp_path)
    assert "localhost/built" in buildah("images").out


@pytest.mark.parametrize("kit", ["0", "1"])
def test_docker_builds_a_dockerfile_with_and_without_buildkit(docker: Docker, tmp_path: Path, kit: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY file /file\n")
    docker("build", "--network=none", "-t", "built", ".", cwd=tmp_path, env={"DOCKER_BUILDKIT": kit})
    assert "built" in docker("images").out


def test_a_registry_with_a_password_refuses_a_stranger(registry_with_password: Registry) -> None:
    request = urllib.request.Request(registry_with_password.url + "/v2/")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=10)
    assert refusal.value.code == 401
    refusal.value.close()
    credentials = b64encode(f"{engines.USER}:{engines.PASSWORD}".encode()).decode()
    request.add_header("Authorization", f"Basic {credentials}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def test_nothing_stays_mounted_or_on_disk_when_a_place_closes() -> None:
    with engines.place("gone") as home:
        (home / "below").mkdir()
    assert not home.exists()
